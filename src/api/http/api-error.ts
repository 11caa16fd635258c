import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** The parts of an error in OpenAI's format. Neither contains texts of the request. */
export interface ApiErrorDetails {
  readonly status: number;
  /** OpenAI's class of the error, such as "invalid_request_error". */
  readonly type: string;
  /** A code that programs compare. */
  readonly code: string | null;
  readonly message: string;
  /** The field of the request that is wrong. */
  readonly param?: string;
  /** When the request may succeed, in ms from now. */
  readonly retryAfterMs?: number;
  /** Whether the official clients should repeat the request; by default they decide by the status. */
  readonly shouldRetry?: boolean;
}

/** An error that is sent to the client as it is. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly details: ApiErrorDetails;

  constructor(details: ApiErrorDetails) {
    super(details.message);
    this.details = details;
  }

  get status(): number {
    return this.details.status;
  }

  /** The body in OpenAI's format. */
  body() {
    const { message, type, param = null, code } = this.details;
    return { error: { message, type, param, code } };
  }
}

const INVALID = "invalid_request_error";

/** The errors of several routes, as a list to review. Those of one route are beside it. */
export const API_ERRORS = {
  missingKey: () =>
    new ApiError({
      status: 401,
      type: INVALID,
      code: "invalid_api_key",
      message: 'This server needs an API key. Send it as "Authorization: Bearer KEY".',
    }),
  invalidKey: () =>
    new ApiError({
      status: 401,
      type: INVALID,
      code: "invalid_api_key",
      message: "The API key is wrong, has expired, or was revoked.",
    }),
  forbiddenModel: (model: string) =>
    new ApiError({
      status: 403,
      type: INVALID,
      code: "model_not_allowed",
      param: "model",
      message: `This key may not use the model ${quote(model)}.`,
    }),
  unknownModel: (model: string, available: readonly string[]) =>
    new ApiError({
      status: 404,
      type: INVALID,
      code: "model_not_found",
      param: "model",
      message: `The model ${quote(model)} is not available here. ${describeAvailable(available)}`,
    }),
  ambiguousModel: (model: string, candidates: readonly string[]) =>
    new ApiError({
      status: 404,
      type: INVALID,
      code: "model_not_found",
      param: "model",
      message: `Several providers have a model ${quote(model)}: name one of ${candidates.join(", ")}.`,
    }),
  wrongModelKind: (model: string, kind: string, expected: string) =>
    new ApiError({
      status: 400,
      type: INVALID,
      code: "model_not_supported",
      param: "model",
      message: `${model} is a model for ${kind}, and this route needs one for ${expected}.`,
    }),
  invalidValue: (param: string | undefined, message: string, code: string | null = null) =>
    new ApiError({ status: 400, type: INVALID, code, message, ...(param === undefined ? {} : { param }) }),
  unknownObject: (kind: string) =>
    new ApiError({
      status: 404,
      type: INVALID,
      code: "not_found",
      param: "id",
      message: `There is no ${kind} with this id. It may have expired or been deleted.`,
    }),
  unknownRoute: (method: string, path: string) =>
    new ApiError({
      status: 404,
      type: INVALID,
      code: "unknown_url",
      message: `There is no route ${method} ${path.slice(0, 200)}. /docs lists all routes.`,
    }),
  malformedJson: () =>
    new ApiError({ status: 400, type: INVALID, code: "invalid_json", message: "The body is not valid JSON." }),
  bodyTooLarge: (bytes: number) =>
    new ApiError({
      status: 413,
      type: INVALID,
      code: "request_too_large",
      message: `The body is larger than ${bytes} bytes, the limit of this route.`,
    }),
  unsupportedMediaType: () =>
    new ApiError({
      status: 415,
      type: INVALID,
      code: "unsupported_media_type",
      message: 'Send the body as JSON, with "Content-Type: application/json".',
    }),
  reusedIdempotencyKey: () =>
    new ApiError({
      status: 409,
      type: INVALID,
      code: "idempotency_key_reused",
      message: "This idempotency key was used for another request. Repeat that request, or use a new key.",
    }),
  noWorker: (provider: string) =>
    new ApiError({
      status: 503,
      type: "server_error",
      code: "no_worker",
      message: `No worker that takes jobs of ${provider} is running. The operator can start one with "${SUGGESTED_COMMANDS.worker()}".`,
      retryAfterMs: 10_000,
    }),
  notAnswered: (id: string, timeoutMs: number) =>
    new ApiError({
      status: 504,
      type: "server_error",
      code: "timeout",
      message: `There is no answer after ${timeoutMs / 1000} seconds. The request is still being worked on: its answer will be at /v1/jobs/${id}.`,
      shouldRetry: false,
    }),
  restarted: (id: string) =>
    new ApiError({
      status: 502,
      type: "server_error",
      code: "answer_restarted",
      message: `The provider broke the stream off, and the answer was started again. The whole answer will be at /v1/jobs/${id}.`,
    }),
  shuttingDown: (id: string) =>
    new ApiError({
      status: 503,
      type: "server_error",
      code: "server_stopping",
      message: `This server is stopping. The answer continues: read it at /v1/jobs/${id}/stream.`,
      retryAfterMs: 1_000,
    }),
  overloaded: () =>
    new ApiError({
      status: 503,
      type: "server_error",
      code: "server_overloaded",
      message: "This server uses too much memory to take further requests. Try again.",
      retryAfterMs: 2_000,
    }),
  adminOnly: () =>
    new ApiError({
      status: 403,
      type: INVALID,
      code: "admin_only",
      message: "This needs a key with the role admin.",
    }),
  unavailable: () =>
    new ApiError({
      status: 503,
      type: "server_error",
      code: "unavailable",
      message: "The server cannot reach Redis at the moment. Try again.",
      retryAfterMs: 2_000,
    }),
  internal: () =>
    new ApiError({
      status: 500,
      type: "server_error",
      code: "internal_error",
      message: "The server failed. Its log has the reason, under the request id of this response.",
    }),
} as const;

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** Models listed in an error; /v1/models lists all. */
const MAX_LISTED = 20;

function describeAvailable(available: readonly string[]): string {
  if (available.length === 0) return "No provider has credentials or a running worker.";
  const more = available.length > MAX_LISTED ? ", and others that /v1/models lists" : "";
  return `Available: ${available.slice(0, MAX_LISTED).join(", ")}${more}.`;
}
