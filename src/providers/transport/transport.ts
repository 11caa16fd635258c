import type { Call } from "#src/providers/provider.ts";

export interface HttpRequest {
  /** Provider name for errors. */
  readonly provider: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Override the transport's limits: a chat answer may take minutes until its first header. */
  readonly timeLimits?: TimeLimits;
}

export interface TimeLimits {
  /** From sending the request to the last response header. A stream may also wait this long for its first event. */
  readonly headersMs?: number;
  /** `post`: without receiving a byte. `stream`: time spent waiting without a call of `alive`. */
  readonly idleMs?: number;
  /** From the call to the last byte. */
  readonly totalMs?: number;
}

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
}

/** Status and headers, without the body. */
export type ResponseHead = Pick<HttpResponse, "status" | "headers">;

/** A response whose body is read while it arrives. It must be read, collected, drained or cancelled. */
export interface HttpStream {
  readonly status: number;
  readonly headers: HttpHeaders;
  /**
   * The body, readable once. A slow reader slows down the upstream. Ends only at the end of the body (with
   * `Connection: close`, a lost connection looks the same); everything else throws ProviderError. Leaving the loop early
   * cancels.
   */
  readonly body: AsyncIterable<Buffer>;
  /**
   * Resets the idle limit after an event or a keep-alive comment, which the total limit ends. Other bytes do not reset it.
   * Time during which the reader is not waiting does not count.
   */
  alive(): void;
  /** The complete body, for a response that is not a stream. At most 1 MiB, since such a body is an error or small. */
  collect(): Promise<HttpResponse>;
  /** Discards a short rest of the body, so that the connection can be reused. */
  drain(): void;
  /** Closes the connection, unless the body is complete or being drained. May be called at any time. */
  cancel(): void;
}

/** One WebSocket exchange: connect, send one message, read frames. */
export interface SocketRequest {
  /** Provider name for errors. */
  readonly provider: string;
  /** `ws:` or `wss:`. */
  readonly url: URL;
  /** Sent as one text frame when the upgrade is accepted. */
  readonly message: string;
  /** Override the limits of the transport; `headersMs` is the time until the first frame. */
  readonly timeLimits?: TimeLimits;
}

/** The frames, or the HTTP response that rejected the handshake (its body truncated to 64 KiB). */
export type SocketAnswer =
  | {
      /**
       * Text frames in the groups in which they arrive, readable once. A slow reader slows down the upstream. Ends when the
       * upstream closes normally, which does not imply a complete answer; everything else throws ProviderError. Leaving the
       * loop early closes the connection.
       */
      readonly frames: AsyncIterable<readonly string[]>;
      /** Closes the connection. May be called at any time. */
      cancel(): void;
    }
  | { readonly refusal: HttpResponse };

/**
 * HTTP/1.1 with keep-alive connections, one pool per origin. Redirects are never followed, because they would send the key
 * to another host. A call results in a response of any status or a `ProviderError`.
 */
export interface Transport {
  post(request: HttpRequest, call: Call): Promise<HttpResponse>;
  /** Resolves when the headers have arrived. */
  stream(request: HttpRequest, call: Call): Promise<HttpStream>;
  /** WebSocket, one connection per exchange; resolves when the upgrade is accepted or rejected. */
  openSocket?(request: SocketRequest, call: Call): Promise<SocketAnswer>;
  /** Closes all connections; calls in flight reject with kind `aborted`. Idempotent. */
  close(): Promise<void>;
}
