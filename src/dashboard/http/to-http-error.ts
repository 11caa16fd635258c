import type { FastifyError } from "fastify";
import { InputError, RunError } from "#src/core/failures/errors.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { HttpError } from "./http-error.ts";

/** Bodies of the pages' requests are small; routes that take larger ones set their own limit. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Converts any error to the form that pages get. An unknown error reveals nothing about itself. */
export function toHttpError(error: Error): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof InputError) return new HttpError({ code: "bad-request", message: error.message });
  if (error instanceof RunError) {
    return new HttpError({ code: "wrong-state", message: error.message, hint: error.hint });
  }
  const { statusCode, code } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return new HttpError(ERRORS.internal);
  // Fastify's own messages may repeat parts of the request; these do not.
  if (statusCode === 413) return new HttpError(ERRORS.requestTooLarge(MAX_BODY_BYTES));
  if (statusCode === 415) return new HttpError(ERRORS.notJson);
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return new HttpError({ ...ERRORS.emptyBody, status: statusCode });
  return new HttpError(ERRORS.unreadableRequest(statusCode));
}
