import { ProviderError, type ProviderErrorKind } from "#src/core/errors.ts";
import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import type { ChatRequest, ChatResponse, FinishReason } from "#src/providers/provider.ts";
import type { HttpHeaders, HttpResponse } from "#src/providers/transport/transport.ts";

export type ResponseHead = Pick<HttpResponse, "status" | "headers">;

/** What one vendor of the common chat protocol does in its own way. */
export interface ChatDialect {
  readonly provider: string;
  /** The request body. May throw `invalid-request`. */
  encode(request: ChatRequest, stream: boolean): Record<string, unknown>;
  /** The error that an object of this form stands for: an answer's body or a frame, whole. */
  classifyBody(body: JsonObject, head: ResponseHead, now: number): ProviderError;
  /** The error of an answer that is no chat answer, whatever it is. */
  classifyResponse(response: HttpResponse, now: number): ProviderError;
  /** Throws when the body of an answer, or a frame of it, belongs to another request. */
  readonly checkRequestId?: (body: JsonObject, head: ResponseHead) => void;
  /** Finish reasons that are failures. */
  readonly failures: Readonly<Record<string, FinishFailure>>;
  /**
   * What must have come for a stream to count as complete: `both` a finish reason and `[DONE]`; `done` alone for
   * upstreams that name no finish reason; `finish-reason` alone for those that never send `[DONE]`.
   */
  readonly terminal: "both" | "done" | "finish-reason";
}

export interface FinishFailure {
  readonly kind: ProviderErrorKind;
  readonly message: string;
}

/** `error` with anything in it; `error: null` and `error: ""` are how some say that there is none. */
export function reportsError(body: JsonObject): boolean {
  const error = readField(body, "error");
  return error !== undefined && error !== null && error !== "" && error !== false;
}

/** Throws when the model, or what runs it, gave up half-way. */
export function checkFinish(
  finishReason: FinishReason | undefined,
  head: ResponseHead,
  { failures, provider }: ChatDialect,
): void {
  const raw = finishReason?.raw;
  if (raw === undefined || !Object.hasOwn(failures, raw)) return;
  const { kind = "server", message = "" } = failures[raw] ?? {};
  const requestId = findRequestId(head.headers);
  throw new ProviderError(`${message} (finish reason ${raw})`, {
    kind,
    provider,
    status: head.status,
    code: raw,
    ...(requestId !== undefined && { requestId }),
  });
}

/** Who answered, as far as the answer says. */
export function readIdentity(body: JsonObject, headers: HttpHeaders): Pick<ChatResponse, "model" | "requestId"> {
  const model = readText(body, "model");
  const requestId = readText(body, "request_id") ?? findRequestId(headers) ?? readText(body, "id");
  return { ...(model !== undefined && { model }), ...(requestId !== undefined && { requestId }) };
}

/** The id to quote to the vendor's support, if the headers carry one. */
export function findRequestId(headers: HttpHeaders): string | undefined {
  for (const name of ["x-request-id", "request-id", "x-log-id", "x-siliconcloud-trace-id"]) {
    const value = headers[name];
    if (typeof value === "string" && /^[\w.:-]{1,128}$/.test(value)) return value;
  }
  return undefined;
}

/** Everything we do not model, in one place: fields of the body as they are, those of the message under `message`. */
export function collectExtra(
  body: readonly [string, unknown][],
  message: readonly [string, unknown][],
  logprobs: unknown,
): Pick<ChatResponse, "extra"> {
  const fields = Object.fromEntries(body);
  if (message.length > 0) fields.message = Object.fromEntries(message);
  if (isObject(logprobs)) fields.logprobs = logprobs;
  return Object.keys(fields).length === 0 ? {} : { extra: fields };
}
