import { findRangeProblem } from "#src/providers/check-range.ts";
import { type JsonObject, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";
import { LAST_GENERATION, readGeneration } from "./profile.ts";

/** Shares of `max_tokens` that models with a fixed budget may think, by `reasoning_effort`. */
const BUDGET_SHARES: Readonly<Record<string, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
  max: 0.95,
};
const MIN_BUDGET = 1024;

/** `thinking` and `output_config`; fields in Anthropic's own form take precedence over `reasoning_effort`. */
export function encodeReasoningAndFormat(
  model: string,
  request: ChatRequest,
  maxTokens: number,
  report: TranslationReport,
): JsonObject {
  const { extra = {} } = request;
  const format = encodeFormat(request.responseFormat, report);
  const { thinking, effort } = encodeEffort(model, extra.reasoning_effort, maxTokens, report);
  const given = readObject(extra, "output_config");
  const config = { effort, format, ...given };
  return {
    thinking: extra.thinking ?? thinking,
    output_config: Object.values(config).some((value) => value !== undefined) ? config : undefined,
  };
}

function encodeFormat(format: ChatRequest["responseFormat"], report: TranslationReport): JsonObject | undefined {
  const type = readText(format, "type");
  if (format === undefined || type === "text") return undefined;
  const schema = readObject(readObject(format, "json_schema"), "schema");
  if (type === "json_schema" && schema) return { type: "json_schema", schema };
  return report.reject("response_format", 'must be of type "text", or "json_schema" with a schema');
}

function encodeEffort(
  model: string,
  effort: unknown,
  maxTokens: number,
  report: TranslationReport,
): { readonly thinking?: JsonObject; readonly effort?: string } {
  if (effort === undefined) return {};
  if (effort === "none") return { thinking: { type: "disabled" } };
  const share = typeof effort === "string" && Object.hasOwn(BUDGET_SHARES, effort) ? BUDGET_SHARES[effort] : undefined;
  if (share === undefined) {
    report.reject("reasoning_effort", `must be one of none, ${Object.keys(BUDGET_SHARES).join(", ")}`);
    return {};
  }
  if ((readGeneration(model) ?? Number.POSITIVE_INFINITY) > LAST_GENERATION.thinkingBudget)
    return { thinking: { type: "adaptive" }, effort: effort === "minimal" ? "low" : String(effort) };
  if (maxTokens <= MIN_BUDGET)
    report.reject("reasoning_effort", `needs max_tokens above ${MIN_BUDGET}, because they include the reasoning`);
  return { thinking: { type: "enabled", budget_tokens: Math.max(MIN_BUDGET, Math.floor(maxTokens * share)) } };
}

/**
 * `temperature` and `top_p`. A value of 1 has no effect and is not sent, because newer models accept no other one, and
 * older models accept only one of the two parameters.
 */
export function encodeSampling(
  model: string,
  { temperature, topP, extra }: ChatRequest,
  thinking: unknown,
  report: TranslationReport,
): JsonObject {
  const body = { temperature: temperature === 1 ? undefined : temperature, top_p: topP === 1 ? undefined : topP };
  const isFixed = (readGeneration(model) ?? 0) > LAST_GENERATION.sampling;
  const mode = readText(thinking, "type");
  const isThinking = mode === "enabled" || mode === "adaptive";
  for (const [name, value] of Object.entries({ ...body, top_k: extra?.top_k })) {
    if (value === undefined) continue;
    if (isFixed) report.reject(name, `must be ${name === "top_k" ? "absent" : "1 or absent"} for ${model}`);
    else if (isThinking && name !== "top_p")
      report.reject(name, "must be absent if the model thinks before it answers");
  }
  if (isFixed) return body;
  for (const [name, value] of Object.entries(body)) {
    const problem = findRangeProblem(value, { min: 0, max: 1 });
    if (problem !== undefined) report.reject(name, problem);
  }
  if (body.temperature !== undefined && body.top_p !== undefined)
    report.reject("temperature and top_p", "must not be combined");
  return body;
}
