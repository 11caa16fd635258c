import type { ProviderErrorDetails } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject, parseJson, readField, readText } from "./json-value.ts";
import type { HttpResponse } from "./transport/transport.ts";

/** An error body is short; a larger body is an incomplete success. */
const MAX_ERROR_BYTES = 1024 * 1024;

/** The JSON object in the body of a response that may be an error; Google APIs send it in a list. */
export function parseErrorBody({ body }: HttpResponse): JsonObject | undefined {
  if (body.length > MAX_ERROR_BYTES) return undefined;
  const value = parseJson(body.toString("utf8"));
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return isObject(first) ? first : undefined;
}

/**
 * The message and the parameter that a body or a stream frame contains in any of the forms that providers use. They may quote
 * the request; see `ProviderErrorDetails.providerMessage`.
 */
export function readProviderText(
  body: JsonObject | undefined,
): Pick<ProviderErrorDetails, "providerMessage" | "param"> {
  const error = readField(body, "error");
  const providerMessage =
    readText(error, "message") ??
    readText(body, "error") ??
    readText(body, "message") ??
    readText(body, "msg") ??
    readText(readField(body, "base_resp"), "status_msg") ??
    readText(readField(body, "header"), "message") ??
    readText(body, "detail");
  return { providerMessage, param: readText(error, "param") ?? readText(body, "param") };
}

/** Why a response with a success status has no result. `expected` names the result, such as "vectors". */
export function describeUnusableBody(
  { body, headers }: HttpResponse,
  parsed: JsonObject | undefined,
  expected: string,
): string {
  if (body.length === 0) return "the response is empty";
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(String(headers["content-type"] ?? ""))?.[0] ?? "no content type";
  const size = `${body.length} bytes, ${type}`;
  return parsed === undefined
    ? `the response is not a complete JSON object (${size})`
    : `the response is JSON but does not contain ${expected} (${size})`;
}
