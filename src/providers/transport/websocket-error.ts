import { errorCode, ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import { describeTransportError } from "./transport-error.ts";

/** Codes of a normal close. Whether the answer is complete is decided by the reader. */
const ORDERLY_CLOSE: ReadonlySet<number> = new Set([1000, 1001, 1005]);

const CLOSE_CODES: Readonly<Record<number, { kind: ProviderErrorKind; message: string }>> = {
  1006: { kind: "network", message: "the connection was lost before the response was complete" },
  1008: { kind: "invalid-request", message: "the upstream closed the connection for a policy violation" },
  1009: { kind: "too-long", message: "the request is too large for the upstream" },
  1011: { kind: "server", message: "the upstream closed the connection after an internal error" },
  1012: { kind: "overloaded", message: "the upstream closed the connection for a restart" },
  1013: { kind: "overloaded", message: "the upstream closed the connection: try again later" },
};

/**
 * The error for a closed connection; undefined when the upstream closed it normally. `received` describes the data before
 * the close.
 */
export function describeClose(code: number, received: string, provider: string): ProviderError | undefined {
  if (ORDERLY_CLOSE.has(code)) return undefined;
  const listed = CLOSE_CODES[code];
  const message = listed?.message ?? "the upstream closed the connection with an error";
  return new ProviderError(`${message} (WebSocket close ${code}, ${received})`, {
    kind: listed?.kind ?? "bad-response",
    provider,
    code: `WS_CLOSE_${code}`,
  });
}

/** The ProviderError for an error of `ws`, TLS or the system. The original error is the `cause`. */
export function describeSocketError(error: Error, received: string, provider: string): ProviderError {
  const code = errorCode(error);
  if (code?.startsWith("WS_ERR_"))
    return new ProviderError(`the upstream violated the WebSocket protocol (${code}, ${received})`, {
      kind: "bad-response",
      provider,
      code,
      cause: error,
    });
  if (code !== undefined && !code.startsWith("HPE_")) return describeTransportError(error, provider);
  return new ProviderError("the response to the handshake is not from a WebSocket server", {
    kind: "bad-response",
    provider,
    code,
    cause: error,
  });
}
