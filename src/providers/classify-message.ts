import type { StatusClass } from "./transport/classify-status.ts";

const BATCH_TOO_LARGE =
  /batch size|too many inputs|array too long|max_batch|maximum allowed batch|payload size exceeds|requests can be in one batch/i;
const INPUT_TOO_LONG =
  /maximum context length|context[ _-]?(length|window)|(prompt|input|message)s? (is|are) too long|exceeds? .{0,40}(context|max(imum)?[ _]tokens)|reduce the length|input token count.{0,40} exceeds/i;
/** Ollama and llama.cpp respond with 500 to an input that is too long. */
const INPUT_TOO_LONG_AS_FAILURE = /\b(input length|request) exceeds the (available )?context\b/i;
/** Only phrases that begin the message or that name the field, because a message may quote the request. */
const UNKNOWN_MODEL =
  /^model not exist|\binvalid model name passed in model=|^invalid model name|^[\w./:@-]{1,200} is not a valid model id|^invalid params, unknown model\b|模型名称错误/i;
const CONTENT_FILTER = /^content exists risk|^output blocked by content filtering policy/i;
/** Anthropic sends both with 400. */
const NO_BALANCE = /^your credit balance is too low/i;
const ACCOUNT_DISABLED = /^this organization has been disabled/i;

export const UNKNOWN_MODEL_CLASS = {
  kind: "auth",
  message: "the model does not exist or the account may not use it",
} as const;
export const INPUT_TOO_LONG_CLASS = { kind: "too-long", message: "the input is too long for the model" } as const;
export const BATCH_TOO_LARGE_CLASS = {
  kind: "too-long",
  message: "the request is too large",
  isSplittable: true,
} as const;
export const CONTENT_FILTER_CLASS = {
  kind: "content-filter",
  message: "the content filter rejected the request",
} as const;

/** Whether the message says that the input is too long; some gateways send that with status 404. */
export function isInputTooLong(text: string): boolean {
  return INPUT_TOO_LONG.test(text);
}

/**
 * The class that a vendor's message implies. Vendors report several causes with the same vague code and status 400; only
 * the message distinguishes them. Call it only if no precise code and no decisive status says more.
 */
export function classifyMessage(text: string, status: number): StatusClass | undefined {
  if (status >= 500) return INPUT_TOO_LONG_AS_FAILURE.test(text) ? INPUT_TOO_LONG_CLASS : undefined;
  if (status === 413 || BATCH_TOO_LARGE.test(text)) return BATCH_TOO_LARGE_CLASS;
  if (INPUT_TOO_LONG.test(text)) return INPUT_TOO_LONG_CLASS;
  if (CONTENT_FILTER.test(text)) return CONTENT_FILTER_CLASS;
  if (NO_BALANCE.test(text)) return { kind: "quota", message: "the account has no balance or quota left" };
  if (ACCOUNT_DISABLED.test(text)) return { kind: "auth", message: "the account is disabled" };
  return UNKNOWN_MODEL.test(text) ? UNKNOWN_MODEL_CLASS : undefined;
}
