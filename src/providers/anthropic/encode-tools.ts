import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { readChosenFunction, readFunctionTool } from "#src/providers/translation/read-function-tool.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";

const CHOICES: Readonly<Record<string, string>> = { auto: "auto", required: "any", none: "none" };

/** `tools` and `tool_choice`. Definitions in Anthropic's own form, such as those of its server tools, stay unchanged. */
export function encodeTools(request: ChatRequest, report: TranslationReport): JsonObject {
  const { tools = [], toolChoice, extra } = request;
  if (tools.length === 0) return {};
  const choice = encodeToolChoice(toolChoice, report);
  const isSerial = readField(extra, "parallel_tool_calls") === false && choice?.type !== "none";
  return {
    tools: tools.map((tool, index) => encodeTool(tool, `tools[${index}]`, report)),
    tool_choice: isSerial ? { type: "auto", ...choice, disable_parallel_tool_use: true } : choice,
  };
}

function encodeTool(tool: unknown, field: string, report: TranslationReport): unknown {
  const called = readFunctionTool(tool);
  if (!called) return readText(tool, "name") === undefined ? report.rejectUntranslatable(field) : tool;
  const { name, description, parameters = { type: "object", properties: {} }, strict } = called;
  const cacheControl = readField(tool, "cache_control") ?? readField(readField(tool, "function"), "cache_control");
  return { name, description, input_schema: parameters, strict: strict || undefined, cache_control: cacheControl };
}

function encodeToolChoice(choice: unknown, report: TranslationReport): JsonObject | undefined {
  if (choice === undefined) return undefined;
  if (typeof choice === "string" && Object.hasOwn(CHOICES, choice)) return { type: CHOICES[choice] };
  const name = readChosenFunction(choice);
  if (name !== undefined) return { type: "tool", name };
  const isNative = isObject(choice) && ["auto", "any", "tool", "none"].includes(String(choice.type));
  return isNative ? choice : report.rejectUntranslatable("tool_choice");
}
