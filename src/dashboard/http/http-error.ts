import type { ErrorMessage } from "#src/dashboard/messages.ts";
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

/** A request that is refused or failed, with one of the messages in `ERRORS`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly reason: RefusalReason | undefined;

  constructor({ code, message, hint, status, retryAfterMs, reason }: ErrorMessage) {
    super(message);
    this.code = code;
    this.status = status ?? STATUS_BY_CODE[code];
    this.hint = hint;
    this.retryAfterMs = retryAfterMs;
    this.reason = reason;
  }

  /** Read by Fastify and by plugins that have their own error handlers. */
  get statusCode(): number {
    return this.status;
  }

  body(): ErrorBody {
    const { code, message, hint, retryAfterMs, reason } = this;
    return { error: { code, reason, message, hint, retryAfterMs } };
  }
}
