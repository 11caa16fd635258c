import { findRangeProblem } from "#src/providers/check-range.ts";
import { type JsonObject, readObject } from "#src/providers/json-value.ts";
import type { ChatRequest, ModelData } from "#src/providers/provider.ts";
import { splitExtra } from "#src/providers/translation/split-extra.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeReasoningAndFormat, encodeSampling } from "./encode-options.ts";
import { encodeTools } from "./encode-tools.ts";
import { DEFAULT_OUTPUT_TOKENS, LAST_GENERATION, readGeneration } from "./profile.ts";

/** Fields of `extra` that are translated, not passed on. */
const TRANSLATED = [
  "parallel_tool_calls",
  "reasoning_effort",
  "output_config",
  "thinking",
  "metadata",
  "safety_identifier",
  "service_tier",
];

/** The body of `POST /v1/messages`; undefined fields are not sent. Fields that OpenAI does not define stay unchanged. */
export function encodeAnthropicRequest(
  model: Pick<ModelData, "name" | "maxOutputTokens">,
  request: ChatRequest,
  stream: boolean,
  report: TranslationReport,
): JsonObject {
  const { name, maxOutputTokens } = model;
  const { extra, seed, stop } = request;
  const maxTokens = resolveMaxTokens(model, request);
  const limitProblem = findRangeProblem(maxTokens, { min: 1, max: maxOutputTokens, integer: true });
  if (limitProblem !== undefined) report.reject("max_tokens", limitProblem);
  if (seed !== undefined) report.rejectUntranslatable("seed");
  const { system, messages } = encodeMessages(request.messages, report);
  const isPrefilled = messages.at(-1)?.role === "assistant";
  if (isPrefilled && (readGeneration(name) ?? 0) > LAST_GENERATION.prefill)
    report.reject("messages", `must not end with a message of the assistant: ${name} cannot continue it`);
  const output = encodeReasoningAndFormat(name, request, maxTokens, report);
  return {
    ...splitExtra(extra, TRANSLATED, report),
    model: name,
    max_tokens: maxTokens,
    system,
    messages,
    ...encodeTools(request, report),
    ...output,
    ...encodeSampling(name, request, output.thinking, report),
    stop_sequences: stop,
    metadata: encodeMetadata(request),
    service_tier: encodeServiceTier(extra?.service_tier, report),
    stream,
  };
}

/** The limit of the answer, which Anthropic requires. */
export function resolveMaxTokens(
  { maxOutputTokens }: Pick<ModelData, "maxOutputTokens">,
  request: ChatRequest,
): number {
  return request.maxTokens ?? maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
}

/** Anthropic stores only the id of the user; other metadata are for OpenAI's dashboard. */
function encodeMetadata({ user, extra = {} }: ChatRequest): JsonObject | undefined {
  const id = user ?? extra.safety_identifier ?? readObject(extra, "metadata")?.user_id;
  return id === undefined ? undefined : { user_id: id };
}

function encodeServiceTier(tier: unknown, report: TranslationReport): unknown {
  if (tier === undefined || tier === "auto" || tier === "standard_only") return tier;
  return tier === "default" ? "standard_only" : report.rejectUntranslatable("service_tier");
}
