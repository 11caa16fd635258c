import { ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import { type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import type { ChatRequest, ChatResponse, FinishReason } from "#src/providers/provider.ts";
import type { HttpHeaders, HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";

/** The vendor-specific parts of the OpenAI chat protocol. */
export interface ChatDialect {
  readonly provider: string;
  /** The request body; undefined fields are not sent. May throw `invalid-request`. */
  encode(request: ChatRequest, stream: boolean): Record<string, unknown>;
  /** `RequestCheck.adjusted`: what `encode` changes because the vendor would reject it. */
  readonly listAdjustments?: (request: ChatRequest) => readonly string[];
  /** Translates a parsed body or stream frame of another form to the common one, before anything else reads it. */
  readonly normalize?: (body: JsonObject) => JsonObject;
  /** The error that a body or frame reports; by default that of an `error` field, as `classifyBody` reads it. */
  readonly findError?: (body: JsonObject, head: ResponseHead, now: number) => ProviderError | undefined;
  /** The error for a body or frame that is known to report one. */
  classifyBody(body: JsonObject, head: ResponseHead, now: number): ProviderError;
  /** The error for a response that contains no chat answer. */
  classifyResponse(response: HttpResponse, now: number): ProviderError;
  /** Throws when the body of an answer, or a frame of it, belongs to another request. */
  readonly checkRequestId?: (body: JsonObject, head: ResponseHead) => void;
  /** Headers that may carry the request id, the preferred one first. */
  readonly requestIdHeaders?: readonly string[];
  /** Further fields of bodies, frames and messages that are not passed on in `extra`. */
  readonly ignoredFields?: ReadonlySet<string>;
  /** Finish reasons that are failures. */
  readonly failures: Readonly<Record<string, FinishFailure>>;
  /** Whether models write their reasoning between `<think>` tags into the content; see `splitThinking`. */
  readonly hasThinkTags?: boolean;
  /**
   * Whether a frame with the complete message, which is no `chat.completion.chunk`, ends a stream as `[DONE]` does, with
   * or without a finish reason. A message inside a chunk also repeats all deltas before it.
   */
  readonly hasClosingFrame?: boolean;
  /**
   * What a stream must contain to count as complete. `both`: a finish reason and `[DONE]`, or a closing frame. `done`:
   * the marker, for upstreams that send no finish reason. `finish-reason`: the finish reason, for upstreams that never
   * send `[DONE]`. `end-of-body`: nothing, for upstreams that send neither.
   */
  readonly terminal: "both" | "done" | "finish-reason" | "end-of-body";
}

interface FinishFailure {
  readonly kind: ProviderErrorKind;
  readonly message: string;
}

/** The error that a body or frame reports; undefined when it reports none. */
export function findReportedError(
  body: JsonObject,
  head: ResponseHead,
  now: number,
  dialect: ChatDialect,
): ProviderError | undefined {
  if (dialect.findError) return dialect.findError(body, head, now);
  return reportsError(body) ? dialect.classifyBody(body, head, now) : undefined;
}

/** Whether there is a non-empty `error` field; some vendors send `error: null` or `error: ""` with a success. */
export function reportsError(body: JsonObject): boolean {
  const error = readField(body, "error");
  return error !== undefined && error !== null && error !== "" && error !== false;
}

/** Throws when the finish reason says that the generation failed. */
export function checkFinish(
  finishReason: FinishReason | undefined,
  head: ResponseHead,
  { failures, provider, requestIdHeaders }: ChatDialect,
): void {
  const raw = finishReason?.raw;
  if (raw === undefined || !Object.hasOwn(failures, raw)) return;
  const { kind = "server", message = "" } = failures[raw] ?? {};
  throw new ProviderError(`${message} (finish reason ${raw})`, {
    kind,
    provider,
    status: head.status,
    code: raw,
    requestId: findRequestId(head.headers, requestIdHeaders),
  });
}

/** Model and request id, as far as the answer contains them. */
export function readIdentity(
  body: JsonObject,
  headers: HttpHeaders,
  { requestIdHeaders }: ChatDialect,
): Pick<ChatResponse, "model" | "requestId"> {
  const requestId = readText(body, "request_id") ?? findRequestId(headers, requestIdHeaders) ?? readText(body, "id");
  return { model: readText(body, "model"), requestId };
}

const REQUEST_ID_HEADERS = ["x-request-id", "request-id", "x-log-id", "x-siliconcloud-trace-id"];

/** The request id that the vendor's support asks for, if a header contains one. */
export function findRequestId(headers: HttpHeaders, names: readonly string[] = REQUEST_ID_HEADERS): string | undefined {
  for (const name of names) {
    const value = headers[name];
    if (typeof value === "string" && /^[\w.:-]{1,128}$/.test(value)) return value;
  }
  return undefined;
}
