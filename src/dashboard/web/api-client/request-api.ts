import type { ErrorBody, ErrorCode, RefusalReason } from "#src/dashboard/http/error-api.ts";

/** The server sent an error, or did not answer (`unreachable`). */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ErrorCode | "unreachable";
  readonly hint: string | undefined;
  /** More specific than `code`. */
  readonly reason: RefusalReason | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode | "unreachable",
    message: string,
    { hint, reason, retryAfterMs }: Partial<Omit<ErrorBody["error"], "code" | "message">> = {},
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Dispatched on the window whenever a response says that the session has ended. */
export const SIGNED_OUT_EVENT = "sluice-signed-out";

/** Sends GET without `change.method` and `change.body`, or else POST or the given method with a JSON body. Rejects with a `ServerError`. */
export async function requestApi<Answer>(
  path: string,
  change?: { readonly method?: "POST" | "DELETE"; readonly body?: unknown; readonly signal?: AbortSignal },
): Promise<Answer> {
  const isWrite = change?.method !== undefined || change?.body !== undefined;
  const init: RequestInit = {
    credentials: "same-origin",
    method: isWrite ? (change.method ?? "POST") : "GET",
    headers: isWrite ? { "content-type": "application/json" } : {},
    body: isWrite ? JSON.stringify(change.body ?? {}) : undefined,
    signal: change?.signal,
  };
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (change?.signal?.aborted) throw cause;
    throw new ServerError("unreachable", "the server does not answer");
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body as Answer;
  const error = readError(body, response.status);
  if (error.code === "signed-out") dispatchEvent(new Event(SIGNED_OUT_EVENT));
  throw error;
}

function readError(body: unknown, status: number): ServerError {
  const error = (body as Partial<ErrorBody> | undefined)?.error;
  if (!error) return new ServerError("internal", `the server answered with status ${status}`);
  return new ServerError(error.code, String(error.message), error);
}
