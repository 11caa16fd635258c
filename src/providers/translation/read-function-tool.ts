import { type JsonObject, readField, readObject, readText } from "#src/providers/json-value.ts";

export interface FunctionTool {
  readonly name: string;
  readonly description: string | undefined;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject | undefined;
  readonly strict: unknown;
}

/** A tool of type "function" in OpenAI's form; undefined for any other. */
export function readFunctionTool(tool: unknown): FunctionTool | undefined {
  const called = readObject(tool, "function");
  const name = readText(called, "name");
  if (name === undefined) return undefined;
  return {
    name,
    description: readText(called, "description"),
    parameters: readObject(called, "parameters"),
    strict: readField(called, "strict"),
  };
}

/** The function that `tool_choice` names; undefined for any other choice. */
export function readChosenFunction(choice: unknown): string | undefined {
  return readText(readObject(choice, "function"), "name");
}
