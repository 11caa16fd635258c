import { ProviderError } from "#src/core/errors.ts";
import { findRangeProblem, type Range } from "#src/providers/check-range.ts";
import { isObject } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { SPARK_NAME, SPARK_RANGES, type SparkVersion } from "./profile.ts";
import { toPlainMessages } from "./to-plain-messages.ts";

export interface Caller {
  readonly appId: string;
  /** At most 32 characters and another one for each call: two calls of one uid at once are refused. */
  readonly uid: string;
}

/**
 * The one text frame of a chat exchange. `extra` goes into `parameter.chat` as it is, but for `patch_id`, which
 * belongs to the header. Throws `invalid-request` for a value outside its documented range and for what the
 * interface has no field for.
 */
export function encodeChatRequest(version: SparkVersion, request: ChatRequest, caller: Caller): string {
  rejectUnsupported(version, request);
  const { patch_id: patchId, ...extra } = request.extra ?? {};
  const functions = request.toolChoice === "none" ? [] : (request.tools ?? []);
  return JSON.stringify({
    header: { app_id: caller.appId, uid: caller.uid, ...(patchId !== undefined && { patch_id: patchId }) },
    parameter: { chat: { ...extra, ...encodeSampling(version, request), domain: version.domain } },
    payload: {
      message: { text: toPlainMessages(request.messages, version.system) },
      ...(functions.length > 0 && { functions: { text: functions.map(readFunction) } }),
    },
  });
}

function encodeSampling(version: SparkVersion, request: ChatRequest): Record<string, number> {
  const { maxTokens, temperature } = request;
  checkRange("maxTokens", maxTokens, { min: 1, max: version.maxOutputTokens, integer: true });
  checkRange("top_k", request.extra?.top_k, { ...SPARK_RANGES.topK, integer: true });
  const fields: Record<string, number> = {};
  if (maxTokens !== undefined) fields.max_tokens = maxTokens;
  if (temperature === 0) {
    // 0 is refused, and what it asks for is a choice of one.
    fields.temperature = 0.01;
    fields.top_k = 1;
  } else if (temperature !== undefined) {
    checkRange("temperature", temperature, SPARK_RANGES.temperature);
    fields.temperature = temperature;
  }
  return fields;
}

/** Throws `invalid-request` with the name and the range unless the value is absent or inside. */
export function checkRange(name: string, value: unknown, range: Range): void {
  const problem = findRangeProblem(value, range);
  if (problem !== undefined) throw invalidRequestError(`${name} ${problem}`);
}

/** Better an error than an answer that was not asked for. */
function rejectUnsupported(version: SparkVersion, request: ChatRequest): void {
  const absent = [
    (request.stop?.length ?? 0) > 0 && "stop",
    request.seed !== undefined && "seed",
    request.topP !== undefined && request.topP !== 1 && "topP",
    request.responseFormat !== undefined && !isPlainText(request.responseFormat) && "responseFormat",
  ].filter((name) => name !== false);
  if (absent.length > 0)
    throw invalidRequestError(
      `Spark's WebSocket interface has no ${absent.join(", ")}: leave it out, or use the HTTP interface (SPARK_PROTOCOL=http)`,
    );
  if ((request.tools?.length ?? 0) === 0) return;
  if (!version.functions) throw invalidRequestError(`spark/${version.model} takes no tools; max, max-32k and ultra do`);
  if (!["auto", "none", undefined, null].includes(request.toolChoice as string | undefined | null))
    throw invalidRequestError("toolChoice must be auto or none: Spark decides by itself whether to call a function");
}

function isPlainText(format: unknown): boolean {
  return isObject(format) && format.type === "text";
}

function readFunction(tool: unknown, position: number): unknown {
  if (isObject(tool) && tool.type === "function" && isObject(tool.function)) return tool.function;
  throw invalidRequestError(`tool ${position} is not of the form { type: "function", function: { ... } }`);
}

function invalidRequestError(message: string): ProviderError {
  return new ProviderError(message, { kind: "invalid-request", provider: SPARK_NAME });
}
