import { isObject, type JsonObject, parseJson } from "./json-value.ts";
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
