import { errorCode, ProviderError, type ProviderErrorKind } from "#src/core/errors.ts";
import { describeTransportError } from "./transport-error.ts";

/** Ends by which the upstream says that it has sent what it wanted to send; whether that was enough, the reader knows. */
const ORDERLY_CLOSE: ReadonlySet<number> = new Set([1000, 1001, 1005]);

const CLOSE_CODES: Readonly<Record<number, { kind: ProviderErrorKind; message: string }>> = {
  1006: { kind: "network", message: "the connection was lost before the answer was complete" },
  1008: { kind: "invalid-request", message: "the upstream closed the connection for a breach of its policy" },
  1009: { kind: "too-long", message: "the upstream found the request too large" },
  1011: { kind: "server", message: "the upstream closed the connection after an internal error" },
  1012: { kind: "overloaded", message: "the upstream closed the connection: it restarts" },
  1013: { kind: "overloaded", message: "the upstream closed the connection: try again later" },
};

/**
 * The error a closed connection stands for; undefined when the upstream closed it in order. `arrived` says in words
 * what came before.
 */
export function describeClose(code: number, arrived: string, provider: string): ProviderError | undefined {
  if (ORDERLY_CLOSE.has(code)) return undefined;
  const listed = CLOSE_CODES[code];
  const message = listed?.message ?? "the upstream closed the connection with an error";
  return new ProviderError(`${message} (WebSocket close ${code}, ${arrived})`, {
    kind: listed?.kind ?? "bad-response",
    provider,
    code: `WS_CLOSE_${code}`,
  });
}

/** Names what `ws`, TLS or the system reported. The text is ours; `cause` keeps the original. */
export function describeSocketError(error: Error, arrived: string, provider: string): ProviderError {
  const code = errorCode(error);
  if (code?.startsWith("WS_ERR_"))
    return new ProviderError(`the upstream broke the WebSocket protocol (${code}, ${arrived})`, {
      kind: "bad-response",
      provider,
      code,
      cause: error,
    });
  if (code !== undefined && !code.startsWith("HPE_")) return describeTransportError(error, provider);
  return new ProviderError("the upstream's answer to the handshake is not that of a WebSocket server", {
    kind: "bad-response",
    provider,
    ...(code !== undefined && { code }),
    cause: error,
  });
}
