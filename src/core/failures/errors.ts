import type { LimitWindow, ReportedLimit } from "#src/core/lane.ts";

/** All kinds of failures of upstream calls. The provider adapter chooses the kind; `decideRetry` decides what to do. */
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

/** What a limit counts. A throttle answer that names a dimension lowers the limit of that dimension only. */
export type LimitDimension = "requests" | "tokens" | "concurrency";

export interface ProviderErrorDetails {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** HTTP status, when there was one. */
  readonly status?: number;
  /** The provider's own code as text ("1002", "11202", "insufficient_quota"). */
  readonly code?: string;
  /** The wait that the provider asked for, in ms. */
  readonly retryAfterMs?: number;
  /** The limit that a throttle answer named. */
  readonly dimension?: LimitDimension;
  /** The window of that limit, if the answer named it in a field of its own. */
  readonly window?: LimitWindow;
  /** Limits that the response reported. */
  readonly limits?: readonly ReportedLimit[];
  readonly requestId?: string;
  /**
   * True when the code is in no table of the provider, so that the kind was derived from the HTTP status and the body's
   * shape.
   */
  readonly isUnlisted?: boolean;
  /** True when the request was refused for its size (413, too many inputs): smaller batches may succeed. */
  readonly isSplittable?: boolean;
  /**
   * The provider's own message, and the parameter that it names. They may quote the request: only `redactProviderText` makes
   * them fit to be stored or shown, and they must not be logged.
   */
  readonly providerMessage?: string;
  readonly param?: string;
  readonly cause?: unknown;
}

/**
 * A failed upstream call. `message` is composed from code tables, statuses and sizes. It never contains a credential, a
 * prompt or an upstream body, so it may be logged and stored. The provider's text is kept apart from it, in properties
 * that are not enumerable, so that printing the error does not show them.
 */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly dimension: LimitDimension | undefined;
  readonly window: LimitWindow | undefined;
  readonly limits: readonly ReportedLimit[];
  readonly requestId: string | undefined;
  readonly isUnlisted: boolean;
  readonly isSplittable: boolean;
  declare readonly providerMessage: string | undefined;
  declare readonly param: string | undefined;

  constructor(message: string, details: ProviderErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.kind;
    this.provider = details.provider;
    this.status = details.status;
    this.code = details.code;
    this.retryAfterMs = details.retryAfterMs;
    this.dimension = details.dimension;
    this.window = details.window;
    this.limits = details.limits ?? [];
    this.requestId = details.requestId;
    this.isUnlisted = details.isUnlisted ?? false;
    this.isSplittable = details.isSplittable ?? false;
    Object.defineProperties(this, {
      providerMessage: { value: details.providerMessage },
      param: { value: details.param },
    });
  }
}

/** The user's input is invalid. `where` is "file:line" or an item id. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly where: string | undefined;

  constructor(message: string, where?: string) {
    super(where === undefined ? message : `${where}: ${message}`);
    this.where = where;
  }
}

/** The configuration is invalid. `problems` lists every problem, one sentence each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** A run cannot start or continue. Nothing is lost; `message` says what happened and `hint` what to do next. */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** Returns a caught value as an Error. */
export function coerceError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a value that is not an Error was thrown: ${typeof thrown}`);
}

/** The `code` of a Node system error ("ENOENT", "ECONNREFUSED"), if it has one. */
export function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
