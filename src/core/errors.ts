/** The closed set of ways an upstream call can fail. The adapter names the kind; `decideRetry` decides what to do. */
export const PROVIDER_ERROR_KINDS = [
  "throttled",
  "quota",
  "auth",
  "invalid-request",
  "too-long",
  "content-filter",
  "overloaded",
  "server",
  "timeout",
  "network",
  "bad-response",
  "aborted",
] as const;
export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

/** What a limit is counted in; a throttle answer that says which one it was lowers only that one. */
export type LimitDimension = "requests" | "tokens" | "concurrency";

export interface ProviderErrorDetails {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** HTTP status, when there was one. */
  readonly status?: number;
  /** The provider's own code as text ("1002", "11202", "insufficient_quota"). */
  readonly code?: string;
  /** How long the provider asked us to wait, in ms. */
  readonly retryAfterMs?: number;
  /** Which limit a throttle answer named. */
  readonly dimension?: LimitDimension;
  readonly requestId?: string;
  /** True when no table of the provider listed the code, so the kind comes from status and shape alone. */
  readonly isUnlisted?: boolean;
  /** True when the whole request was refused for its size (413, too many inputs): smaller batches may pass. */
  readonly isSplittable?: boolean;
  readonly cause?: unknown;
}

/**
 * A failed upstream call. `message` is written by us from code tables, statuses and sizes: it never holds a
 * credential, a prompt or an upstream body, so it may be logged and stored.
 */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly dimension: LimitDimension | undefined;
  readonly requestId: string | undefined;
  readonly isUnlisted: boolean;
  readonly isSplittable: boolean;

  constructor(message: string, details: ProviderErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.kind;
    this.provider = details.provider;
    this.status = details.status;
    this.code = details.code;
    this.retryAfterMs = details.retryAfterMs;
    this.dimension = details.dimension;
    this.requestId = details.requestId;
    this.isUnlisted = details.isUnlisted ?? false;
    this.isSplittable = details.isSplittable ?? false;
  }
}

/** Something in the user's input is wrong. `where` is "file:line" or an item id. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly where: string | undefined;

  constructor(message: string, where?: string) {
    super(where === undefined ? message : `${where}: ${message}`);
    this.where = where;
  }
}

/** Configuration cannot be used; every problem found is in `problems`, one sentence each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * A run cannot start or cannot go on. Nothing is lost; `message` says what happened and `mend` what to do next.
 */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** Turns whatever was thrown into an Error, once, at the place that catches it. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a non-error was thrown: ${typeof thrown}`);
}

/** The `code` of a Node system error ("ENOENT", "ECONNREFUSED"), if it has one. */
export function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
