import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { coerceError, errorCode, InputError } from "#src/core/failures/errors.ts";
import { UnknownItemError } from "#src/producer/client/client-error.ts";
import { API_ERRORS, ApiError } from "./api-error.ts";

/** Converts whatever a route or the server threw. An unexpected error becomes a 500 without details. */
export function toApiError(thrown: unknown, bodyLimit: number): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const error = coerceError(thrown);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const path = (first?.instancePath ?? "").split("/").filter((part) => part !== "");
    const param = path.join(".");
    const where = param === "" ? `the ${error.validationContext ?? "request"}` : JSON.stringify(param.slice(0, 200));
    return API_ERRORS.invalidValue(param || undefined, `Invalid value for ${where}: ${first?.message ?? "unknown"}.`);
  }
  if (error instanceof InputError) {
    if (error.where === "idempotencyKey") return API_ERRORS.reusedIdempotencyKey();
    return API_ERRORS.invalidValue(undefined, error.message);
  }
  if (error instanceof UnknownItemError) return API_ERRORS.unknownObject("job");
  switch (errorCode(error)) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
    case "FST_REQ_FILE_TOO_LARGE":
      return API_ERRORS.bodyTooLarge(bodyLimit);
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return API_ERRORS.unsupportedMediaType();
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return API_ERRORS.malformedJson();
  }
  if (error instanceof SyntaxError) return API_ERRORS.malformedJson();
  if (isRedisFailure(error)) return API_ERRORS.unavailable();
  return API_ERRORS.internal();
}

/** Errors of ioredis while the server is unreachable, or while it rejects writes. */
function isRedisFailure(error: Error): boolean {
  return (
    error.name === "MaxRetriesPerRequestError" || /^(OOM|MISCONF|READONLY|LOADING|CLUSTERDOWN) /.test(error.message)
  );
}
