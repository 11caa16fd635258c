import type { ErrorBody, ErrorCode, RefusalReason } from "./error-api.ts";

const STATUS_BY_CODE: Readonly<Record<ErrorCode, number>> = {
  "signed-out": 401,
  "wrong-password": 401,
  "too-many-attempts": 429,
  "not-allowed": 403,
  "cross-site-request": 403,
  "unknown-run": 404,
  "unknown-item": 404,
  "unknown-cause": 404,
  "unknown-lane": 404,
  "unknown-chat": 404,
  "unknown-route": 404,
  "wrong-state": 409,
  "folder-on-other-host": 409,
  "bad-request": 400,
  "redis-unavailable": 503,
  "provider-failed": 502,
  internal: 500,
};

/** A request that is refused; message and hint are for whoever made it and hold no secret and no text of an item. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly reason: RefusalReason | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    {
      hint,
      status,
      retryAfterMs,
      reason,
    }: {
      readonly hint?: string | undefined;
      readonly status?: number;
      readonly retryAfterMs?: number;
      readonly reason?: RefusalReason | undefined;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.status = status ?? STATUS_BY_CODE[code];
    this.hint = hint;
    this.retryAfterMs = retryAfterMs;
    this.reason = reason;
  }

  /** What the server's framework, and parts with error handlers of their own, go by. */
  get statusCode(): number {
    return this.status;
  }

  body(): ErrorBody {
    const { code, message, hint, retryAfterMs, reason } = this;
    return {
      error: {
        code,
        reason,
        message,
        hint,
        retryAfterMs,
      },
    };
  }
}
