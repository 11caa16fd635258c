import { assertInRange, type Range } from "#src/providers/check-range.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { isObject } from "#src/providers/json-value.ts";
import { omitCommonFields } from "#src/providers/omit-common-fields.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { SPARK_NAME, SPARK_RANGES, type SparkVersion } from "./profile.ts";
import { toPlainMessages } from "./to-plain-messages.ts";

interface Caller {
  readonly appId: string;
  /** At most 32 characters, and different for every call: Spark rejects concurrent calls with the same uid. */
  readonly uid: string;
}

/**
 * The single text frame that is sent in a chat exchange. `extra` is added to `parameter.chat` unchanged, except for
 * `patch_id`, which belongs in the header. Throws `invalid-request` for values outside their documented range and for
 * parameters that the interface does not support.
 */
export function encodeChatRequest(version: SparkVersion, request: ChatRequest, caller: Caller): string {
  rejectUnsupported(version, request);
  const { patch_id: patchId, ...extra } = omitCommonFields(SPARK_NAME, request.extra);
  const functions = request.toolChoice === "none" ? [] : (request.tools ?? []);
  return JSON.stringify({
    header: { app_id: caller.appId, uid: caller.uid, patch_id: patchId },
    parameter: { chat: { ...extra, ...encodeSampling(version, request), domain: version.domain } },
    payload: {
      message: { text: toPlainMessages(request.messages, version.system) },
      functions: functions.length > 0 ? { text: functions.map(readFunction) } : undefined,
    },
  });
}

function encodeSampling(version: SparkVersion, request: ChatRequest): Record<string, number> {
  const { temperature } = request;
  const maxTokens = clampMaxTokens(version, request);
  checkRange("top_k", request.extra?.top_k, { ...SPARK_RANGES.topK, integer: true });
  const fields: Record<string, number> = {};
  if (maxTokens !== undefined) fields.max_tokens = maxTokens;
  if (temperature === 0) {
    // Spark rejects 0; the most likely token only (top_k 1) has the same effect.
    fields.temperature = 0.01;
    fields.top_k = 1;
  } else if (temperature !== undefined) {
    const { maxTemperature: max = SPARK_RANGES.maxTemperature } = version;
    // 0, which requests greedy decoding, is outside the range.
    checkRange("temperature", temperature, { above: 0, max });
    fields.temperature = temperature;
  }
  return fields;
}

/** The limit of the answer, at most what the version accepts. Throws `invalid-request` for a limit that is no limit. */
export function clampMaxTokens({ maxOutputTokens }: SparkVersion, { maxTokens }: ChatRequest): number | undefined {
  checkRange("max_tokens", maxTokens, { min: 1, integer: true });
  return maxTokens === undefined ? undefined : Math.min(maxTokens, maxOutputTokens ?? maxTokens);
}

/** The adjustment of `clampMaxTokens`; see `RequestCheck.adjusted`. */
export function listSparkAdjustments(version: SparkVersion, { maxTokens = 0 }: ChatRequest): string[] {
  const { model, maxOutputTokens } = version;
  if (maxOutputTokens === undefined || maxTokens <= maxOutputTokens) return [];
  return [
    `${SPARK_NAME}/${model} accepts max_tokens of at most ${maxOutputTokens}; higher values are sent as this limit`,
  ];
}

/** Throws `invalid-request`, with the name and the range, for a value outside the range. */
export function checkRange(name: string, value: unknown, range: Range): void {
  assertInRange(SPARK_NAME, name, value, range);
}

/** Throws for unsupported parameters, because ignoring them would change the answer silently. */
function rejectUnsupported(version: SparkVersion, request: ChatRequest): void {
  const unsupported = [
    (request.stop?.length ?? 0) > 0 && "stop",
    request.seed !== undefined && "seed",
    request.topP !== undefined && request.topP !== 1 && "top_p",
    request.responseFormat !== undefined && !isPlainText(request.responseFormat) && "response_format",
  ].filter((name) => name !== false);
  if (unsupported.length > 0)
    throw invalidRequestError(
      SPARK_NAME,
      `Spark's WebSocket interface does not support ${unsupported.join(", ")}: leave it out, or use the HTTP interface (SPARK_PROTOCOL=http)`,
    );
  if ((request.tools?.length ?? 0) === 0) return;
  if (!version.functions)
    throw invalidRequestError(SPARK_NAME, `spark/${version.model} does not support tools; max, max-32k and ultra do`);
  if (!["auto", "none", undefined, null].includes(request.toolChoice as string | undefined | null))
    throw invalidRequestError(
      SPARK_NAME,
      "tool_choice must be auto or none: Spark itself decides whether to call a function",
    );
}

function isPlainText(format: unknown): boolean {
  return isObject(format) && format.type === "text";
}

function readFunction(tool: unknown, position: number): unknown {
  if (isObject(tool) && tool.type === "function" && isObject(tool.function)) return tool.function;
  throw invalidRequestError(SPARK_NAME, `tool ${position} is not of the form { type: "function", function: { ... } }`);
}
