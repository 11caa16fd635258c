import type { ErrorCode } from "#src/dashboard/http/error-api.ts";

/** For codes that are not all known at compile time, because the server may add some. */
export type PartialDictionary = Readonly<Record<string, string | undefined>>;

/** Texts for errors and for codes that the server sends. */
export const errorsEn = {
  errors: {
    "signed-out": "Your session has ended.",
    "wrong-password": "Wrong password.",
    "too-many-attempts": "Too many sign-in attempts.",
    "not-allowed": "Viewers have read-only access.",
    "cross-site-request": "Cross-site request refused.",
    "unknown-run": "Run not found.",
    "unknown-item": "Item not found.",
    "unknown-cause": "Failure cause not found.",
    "unknown-lane": "Lane not found.",
    "unknown-chat": "Chat not found or ended.",
    "unknown-route": "Unknown API route.",
    "wrong-state": "The current state of the run does not allow this action.",
    "folder-on-other-host": "The run folder cannot be read from this machine.",
    "bad-request": "Invalid request.",
    "redis-unavailable": "Redis is unavailable.",
    "provider-failed": "The provider rejected the call.",
    internal: "Internal server error.",
    unreachable: "The server is not responding.",
  } satisfies Record<ErrorCode | "unreachable", string>,
  /** Translations of server messages by reason code. Empty: the messages are already in English. */
  reasons: {} as PartialDictionary,
  /** Error kinds. */
  kinds: {
    throttled: "throttled",
    quota: "quota",
    auth: "authentication",
    "invalid-request": "invalid request",
    "too-long": "too long",
    "content-filter": "content filter",
    overloaded: "overloaded",
    server: "server error",
    timeout: "timeout",
    network: "network error",
    "bad-response": "bad response",
    aborted: "aborted",
    "crash-loop": "crash loop",
    cancelled: "cancelled",
    expired: "expired",
  } as PartialDictionary,
};
