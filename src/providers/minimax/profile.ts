import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ProviderFacts } from "#src/providers/provider-entry.ts";
import { MINIMAX_CHAT_FACTS } from "./chat/chat-models.ts";

export const MINIMAX_NAME = "minimax";

/** Mainland China. The international host is https://api.minimax.io/v1; keys belong to one of the two. */
export const MINIMAX_BASE_URL = "https://api.minimaxi.com/v1";

export const MINIMAX_FACTS: ProviderFacts = {
  catalogue: "minimax-cn",
  // Undocumented; 10 is the value that long-term users settled on.
  defaults: { embedding: { maxInputs: 10 } },
  models: [
    {
      name: "embo-01",
      kind: "embedding",
      dimensions: 1536,
      maxTokens: 4096,
      // Measured: about 135 requests per minute, all of which may be sent at once.
      limits: { requestsPerMinute: 120, pacing: "burst" },
    },
    ...MINIMAX_CHAT_FACTS,
  ],
};

export interface MinimaxErrorCode {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  /** How to fix it. */
  readonly hint?: string;
}

const CHECK_CREDENTIALS =
  "check MINIMAX_API_KEY, and MINIMAX_GROUP_ID if the key is of the old kind; a key works only on the host of its region (MINIMAX_BASE_URL)";

/** `base_resp.status_code`, sent with HTTP 200. MiniMax sends 1004 for a wrong key, a missing key and a wrong group. */
export const MINIMAX_CODES: Readonly<Record<number, MinimaxErrorCode>> = {
  1000: { kind: "server", message: "unknown error" },
  1001: { kind: "timeout", message: "the upstream timed out" },
  1002: { kind: "throttled", dimension: "requests", message: "too many requests per minute" },
  1004: { kind: "auth", message: "the API key or group id was rejected", hint: CHECK_CREDENTIALS },
  1008: { kind: "quota", message: "the account has no balance", hint: "top up the account" },
  1013: { kind: "server", message: "internal error" },
  1024: { kind: "server", message: "internal error" },
  1026: { kind: "content-filter", message: "the input was rejected by the content filter" },
  1027: { kind: "content-filter", message: "the output was rejected by the content filter" },
  1033: { kind: "server", message: "internal storage error" },
  1039: { kind: "throttled", dimension: "tokens", message: "too many tokens per minute" },
  1041: { kind: "throttled", dimension: "concurrency", message: "too many concurrent calls" },
  1042: { kind: "invalid-request", message: "the input has too many invisible characters" },
  2013: { kind: "invalid-request", message: "a parameter was rejected" },
  2044: {
    kind: "auth",
    message: "the key may not use this API",
    hint: "request access to it, or use another key",
  },
  2045: { kind: "throttled", dimension: "requests", message: "the request rate increased too fast" },
  2049: { kind: "auth", message: "the API key was rejected", hint: CHECK_CREDENTIALS },
  2056: {
    kind: "quota",
    message: "the plan's usage window is exhausted",
    hint: "wait for the next window, or change the plan",
  },
  2061: {
    kind: "quota",
    message: "the plan does not include this model",
    hint: "change the plan or the model",
  },
};
