import type { LimitDimension, ProviderErrorKind } from "#src/core/errors.ts";
import type { ModelData } from "#src/providers/provider.ts";
import { MINIMAX_CHAT_MODELS } from "./chat/chat-models.ts";

/** Everything about MiniMax that is data. */
export const MINIMAX_NAME = "minimax";

/** Mainland China. The international host is https://api.minimax.io/v1; keys belong to one of the two. */
export const MINIMAX_BASE_URL = "https://api.minimaxi.com/v1";

export const MINIMAX_MODELS: readonly ModelData[] = [
  {
    name: "embo-01",
    kind: "embedding",
    dimensions: 1536,
    // Undocumented; 10 is what long-running users settled on.
    maxInputs: 10,
    maxTokens: 4096,
    // Accounts were measured at about 135 a minute, all of which may come at once.
    limits: { requestsPerMinute: 120, pacing: "burst" },
  },
  ...MINIMAX_CHAT_MODELS,
];

export interface MinimaxErrorCode {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  /** What a person can do about it. */
  readonly hint?: string;
}

const CHECK_CREDENTIALS =
  "check MINIMAX_API_KEY, and MINIMAX_GROUP_ID if the key is of the old kind; a key works only on the host of its region (MINIMAX_BASE_URL)";

/** `base_resp.status_code`, which arrives with HTTP 200. MiniMax answers 1004 for a wrong key, a missing one and a wrong group alike. */
export const MINIMAX_CODES: Readonly<Record<number, MinimaxErrorCode>> = {
  1000: { kind: "server", message: "unknown error" },
  1001: { kind: "timeout", message: "the upstream timed out" },
  1002: { kind: "throttled", dimension: "requests", message: "too many requests per minute" },
  1004: { kind: "auth", message: "the API key or group id was refused", hint: CHECK_CREDENTIALS },
  1008: { kind: "quota", message: "the account has no balance", hint: "top up the account" },
  1013: { kind: "server", message: "internal error" },
  1024: { kind: "server", message: "internal error" },
  1026: { kind: "content-filter", message: "the input was refused by the content filter" },
  1027: { kind: "content-filter", message: "the output was refused by the content filter" },
  1033: { kind: "server", message: "internal storage error" },
  1039: { kind: "throttled", dimension: "tokens", message: "too many tokens per minute" },
  1041: { kind: "throttled", dimension: "concurrency", message: "too many calls at once" },
  1042: { kind: "invalid-request", message: "the input has too many invisible characters" },
  2013: { kind: "invalid-request", message: "a parameter was refused" },
  2044: {
    kind: "auth",
    message: "the key may not use this API",
    hint: "ask for access to it, or use another key",
  },
  2045: { kind: "throttled", dimension: "requests", message: "the request rate grew too fast" },
  2049: { kind: "auth", message: "the API key was refused", hint: CHECK_CREDENTIALS },
  2056: {
    kind: "quota",
    message: "the plan's usage window is spent",
    hint: "wait for the next window, or change the plan",
  },
  2061: {
    kind: "quota",
    message: "the plan does not include this model",
    hint: "change the plan or the model",
  },
};
