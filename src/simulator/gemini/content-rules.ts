import { createHmac } from "node:crypto";
import type { GenerateRequest, RequestContent } from "./request-schema.ts";

/** The signature of a simulated function call or text. */
export function signThought(text: string): string {
  return createHmac("sha256", "simulated thought").update(text).digest("base64");
}

/** 2.5 for "gemini-2.5-pro"; models without a number are new. */
export function versionOf(model: string): number {
  return Number(/^gemini-(\d+(\.\d+)?)/.exec(model)?.[1] ?? 99);
}

/** What Gemini refuses beyond the forms of the fields; undefined for an acceptable request. */
export function findContentProblem(model: string, request: GenerateRequest): string | undefined {
  const { contents, toolConfig, tools, generationConfig: config = {} } = request;
  const problems = contents.map((content, index) => findTurnProblem(model, contents, content, index));
  const found = problems.find((problem) => problem !== undefined);
  if (found !== undefined) return found;
  const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {};
  const declared = tools?.flatMap(({ functionDeclarations }) => functionDeclarations.map(({ name }) => name)) ?? [];
  if (allowed && mode !== "ANY") return "allowed_function_names should only be set when the mode is ANY";
  if (allowed?.some((name) => !declared.includes(name))) return "allowed_function_names contains an unknown function";
  if (mode === "ANY" && declared.length === 0)
    return "Function calling mode is set to ANY, but no function is declared";
  if (config.responseJsonSchema && config.responseMimeType !== "application/json")
    return "response_json_schema requires response_mime_type application/json";
  const { thinkingBudget: budget, thinkingLevel: level } = config.thinkingConfig ?? {};
  if (level && budget !== undefined) return "You can only set only one of thinking budget and thinking level.";
  return level && versionOf(model) < 3 ? "Thinking level is not supported for this model." : undefined;
}

function findTurnProblem(
  model: string,
  contents: readonly RequestContent[],
  { role = "user", parts }: RequestContent,
  index: number,
): string | undefined {
  const before = contents[index - 1];
  for (const { thought: _, thoughtSignature: signature, ...data } of parts) {
    if (Object.keys(data).length !== 1) return "contents.parts must have one initialized field";
    const { functionCall: call, text } = data;
    const signed = call ? JSON.stringify(call.args ?? {}) : text;
    if (signature !== undefined && signature !== signThought(signed ?? "")) return "Thought signature is not valid";
  }
  const calls = parts.filter((part) => part.functionCall);
  const expected = before?.parts.filter((part) => part.functionCall).length ?? 0;
  const results = parts.filter((part) => part.functionResponse).length;
  if (results !== expected)
    return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
  if (calls.length > 0 && (role !== "model" || (before?.role ?? "user") !== "user" || !before))
    return "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
  if (calls[0] && versionOf(model) >= 3 && calls[0].thoughtSignature === undefined)
    return "Function call is missing a thought_signature in functionCall parts.";
  return undefined;
}
