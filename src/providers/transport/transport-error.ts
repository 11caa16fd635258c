import { errors } from "undici";
import { errorCode, ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";

interface TransportErrorClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
}

const TRANSPORT_ERRORS: Readonly<Record<string, TransportErrorClass>> = {
  UND_ERR_CONNECT_TIMEOUT: { kind: "timeout", message: "no connection within the connect timeout" },
  UND_ERR_HEADERS_TIMEOUT: { kind: "timeout", message: "no response headers within the headers timeout" },
  UND_ERR_BODY_TIMEOUT: {
    kind: "timeout",
    message: "the response stalled: no byte within the idle timeout",
  },
  ETIMEDOUT: { kind: "timeout", message: "the connection timed out" },
  ECONNREFUSED: { kind: "network", message: "connection refused: no server listens at the base URL" },
  ECONNRESET: { kind: "network", message: "connection reset by the upstream" },
  EPIPE: { kind: "network", message: "connection closed by the upstream while sending" },
  UND_ERR_SOCKET: {
    kind: "network",
    message: "connection closed by the upstream before the response was complete",
  },
  ENOTFOUND: { kind: "network", message: "the host name of the base URL does not resolve" },
  EAI_AGAIN: { kind: "network", message: "the DNS server did not respond" },
  EHOSTUNREACH: { kind: "network", message: "no route to the host of the base URL" },
  ENETUNREACH: { kind: "network", message: "the network is unreachable" },
  UND_ERR_HEADERS_OVERFLOW: { kind: "bad-response", message: "the response headers are too large" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: {
    kind: "bad-response",
    message: "the length of the response differs from its Content-Length",
  },
  UND_ERR_DESTROYED: { kind: "aborted", message: "the connections were closed" },
  UND_ERR_CLOSED: { kind: "aborted", message: "the connections were closed" },
};

const CERTIFICATE_CODE =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH|CRL_|ERROR_IN_(CERT|CRL))/;

/** Whether `code` is a failed certificate check, which keeps failing until a person fixes the cause. */
export function isCertificateErrorCode(code: string | undefined): boolean {
  return code !== undefined && CERTIFICATE_CODE.test(code);
}

/** The ProviderError for an error of undici or the system. The original error is the `cause`. */
export function describeTransportError(error: unknown, provider: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const code = findCode(error);
  const details = { provider, cause: error, code };
  if (isCertificateErrorCode(code))
    return new ProviderError(
      `the upstream's certificate was rejected (${code}): check the base URL, or add the CA certificate with NODE_EXTRA_CA_CERTS`,
      { ...details, kind: "network" },
    );
  const listed = code === undefined ? undefined : TRANSPORT_ERRORS[code];
  if (listed) return new ProviderError(`${listed.message} (${code})`, { ...details, kind: listed.kind });
  if (error instanceof errors.HTTPParserError)
    // Without the cause, because the parser's error contains the received bytes.
    return new ProviderError("the response is not valid HTTP: check the base URL", {
      ...details,
      kind: "bad-response",
      cause: undefined,
    });
  if (isProxyRefusal(error))
    return new ProviderError("the proxy refused the connection: check the proxy's address and password", {
      ...details,
      kind: "network",
      code: "PROXY_REFUSED",
    });
  return new ProviderError(`the connection failed (${code ?? "no code"})`, { ...details, kind: "network" });
}

/** The most specific code: undici wraps the error of the socket as a cause. */
function findCode(error: unknown): string | undefined {
  const own = errorCode(error);
  const inner = error instanceof Error ? errorCode(error.cause) : undefined;
  return own === undefined || (own.startsWith("UND_ERR") && isCertificateErrorCode(inner)) ? (inner ?? own) : own;
}

function isProxyRefusal(error: unknown): boolean {
  return error instanceof Error && (errorCode(error) === "PROXY_REFUSED" || /^Proxy response/.test(error.message));
}
