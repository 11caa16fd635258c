import { findRangeProblem } from "#src/providers/check-range.ts";
import { isObject, type JsonObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatRequest, ModelData } from "#src/providers/provider.ts";
import { readChosenFunction, readFunctionTool } from "#src/providers/translation/read-function-tool.ts";
import { splitExtra } from "#src/providers/translation/split-extra.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";
import { encodeContents } from "./encode-contents.ts";
import { readGeminiGeneration } from "./profile.ts";

/** Fields of `extra` that are translated, or that have no effect on the answer. */
const TRANSLATED = [
  ...["frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "top_k"],
  ...["reasoning_effort", "parallel_tool_calls", "service_tier", "generationConfig", "extra_body"],
  ...["metadata", "safety_identifier"],
];

const MAX_STOP_SEQUENCES = 5;

/** The body of `generateContent`; undefined fields are not sent. Fields that OpenAI does not define stay unchanged. */
export function encodeGeminiRequest(
  { name, maxOutputTokens }: Pick<ModelData, "name" | "maxOutputTokens">,
  request: ChatRequest,
  report: TranslationReport,
): JsonObject {
  const { extra = {} } = request;
  checkRanges(request, maxOutputTokens, report);
  const { generation_config: generationConfig, thinking_config: thinkingConfig, ...google } = readExtraBody(extra);
  return {
    ...splitExtra(extra, TRANSLATED, report),
    ...google,
    ...encodeContents(request.messages, report),
    ...encodeTools(request, report),
    generationConfig: {
      temperature: request.temperature,
      topP: request.topP,
      topK: extra.top_k,
      maxOutputTokens: request.maxTokens,
      stopSequences: request.stop,
      seed: request.seed,
      frequencyPenalty: extra.frequency_penalty,
      presencePenalty: extra.presence_penalty,
      responseLogprobs: extra.logprobs || undefined,
      logprobs: extra.logprobs ? extra.top_logprobs : undefined,
      thinkingConfig: thinkingConfig ?? encodeEffort(name, extra.reasoning_effort, report),
      ...encodeFormat(request.responseFormat, report),
      ...(isObject(generationConfig) ? generationConfig : {}),
      ...readObject(extra, "generationConfig"),
    },
    serviceTier: encodeServiceTier(extra.service_tier, report),
  };
}

/** The fields of `extra_body.google`, in which clients of the OpenAI endpoint send those of Gemini. */
function readExtraBody(extra: JsonObject): JsonObject {
  return readObject(readField(extra, "extra_body"), "google") ?? {};
}

function checkRanges(request: ChatRequest, maxOutputTokens: number | undefined, report: TranslationReport): void {
  const { temperature, topP, maxTokens, stop = [], extra = {} } = request;
  const ranges = [
    ["temperature", temperature, { min: 0, max: 2 }],
    ["top_p", topP, { min: 0, max: 1 }],
    ["max_tokens", maxTokens, { min: 1, max: maxOutputTokens, integer: true }],
    ["frequency_penalty", extra.frequency_penalty, { min: -2, max: 2 }],
    ["presence_penalty", extra.presence_penalty, { min: -2, max: 2 }],
  ] as const;
  for (const [name, value, range] of ranges) {
    const problem = findRangeProblem(value, range);
    if (problem !== undefined) report.reject(name, problem);
  }
  if (stop.length > MAX_STOP_SEQUENCES) report.reject("stop", `must have at most ${MAX_STOP_SEQUENCES} texts`);
  if (extra.parallel_tool_calls === false) report.rejectUntranslatable("parallel_tool_calls");
}

function encodeTools({ tools = [], toolChoice }: ChatRequest, report: TranslationReport): JsonObject {
  if (tools.length === 0) return {};
  const functions: JsonObject[] = [];
  const others: unknown[] = [];
  for (const [index, tool] of tools.entries()) {
    const called = readFunctionTool(tool);
    if (called) {
      const { name, description, parameters } = called;
      functions.push({ name, description, parametersJsonSchema: parameters });
    } else if (isObject(tool) && tool.type === undefined) others.push(tool);
    else report.rejectUntranslatable(`tools[${index}]`);
  }
  const declared = functions.length > 0 ? [{ functionDeclarations: functions }] : [];
  return { tools: [...declared, ...others], toolConfig: encodeToolChoice(toolChoice, report) };
}

const MODES: Readonly<Record<string, string>> = { auto: "AUTO", required: "ANY", none: "NONE" };

function encodeToolChoice(choice: unknown, report: TranslationReport): JsonObject | undefined {
  if (choice === undefined) return undefined;
  if (typeof choice === "string" && Object.hasOwn(MODES, choice))
    return { functionCallingConfig: { mode: MODES[choice] } };
  const name = readChosenFunction(choice);
  if (name === undefined) return report.rejectUntranslatable("tool_choice");
  return { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [name] } };
}

function encodeFormat(format: ChatRequest["responseFormat"], report: TranslationReport): JsonObject {
  const type = readText(format, "type");
  if (format === undefined || type === "text") return {};
  if (type === "json_object") return { responseMimeType: "application/json" };
  const schema = readObject(readObject(format, "json_schema"), "schema");
  if (type === "json_schema" && schema) return { responseMimeType: "application/json", responseJsonSchema: schema };
  report.reject("response_format", 'must be of type "text", "json_object", or "json_schema" with a schema');
  return {};
}

/** Budgets of models up to 2.5, and levels of later ones, as Gemini's OpenAI endpoint chooses them. */
const EFFORTS: Readonly<Record<string, { readonly budget: number; readonly level: string }>> = {
  minimal: { budget: 1024, level: "MINIMAL" },
  low: { budget: 1024, level: "LOW" },
  medium: { budget: 8192, level: "MEDIUM" },
  high: { budget: 24_576, level: "HIGH" },
  xhigh: { budget: 24_576, level: "XHIGH" },
  max: { budget: 24_576, level: "XHIGH" },
};

function encodeEffort(model: string, effort: unknown, report: TranslationReport): JsonObject | undefined {
  if (effort === undefined) return undefined;
  if (effort === "none") return { thinkingBudget: 0 };
  const found = typeof effort === "string" && Object.hasOwn(EFFORTS, effort) ? EFFORTS[effort] : undefined;
  if (!found) return report.reject("reasoning_effort", `must be one of none, ${Object.keys(EFFORTS).join(", ")}`);
  const hasLevels = (readGeminiGeneration(model) ?? 3) >= 3;
  return { includeThoughts: true, ...(hasLevels ? { thinkingLevel: found.level } : { thinkingBudget: found.budget }) };
}

function encodeServiceTier(tier: unknown, report: TranslationReport): unknown {
  if (tier === undefined || tier === "auto" || tier === "default") return undefined;
  return tier === "flex" || tier === "priority" ? tier : report.rejectUntranslatable("service_tier");
}
