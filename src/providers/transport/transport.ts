import type { Call } from "#src/providers/provider.ts";

export interface HttpRequest {
  /** Named in errors. */
  readonly provider: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Where the transport's own limits do not fit: a chat answer may take minutes to its first header. */
  readonly timeLimits?: TimeLimits;
}

export interface TimeLimits {
  /** From the request sent to the last response header. */
  readonly headersMs?: number;
  /** `post`: without a single byte. `stream`: spent waiting without a call of `alive`. */
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

/** An answer whose body is read as it comes. It must be read, collected, drained or cancelled. */
export interface HttpStream {
  readonly status: number;
  readonly headers: HttpHeaders;
  /**
   * The bytes; read once. A slow reader slows the upstream down. Ends only at the end of the body (with
   * `Connection: close` a cut looks the same); everything else throws ProviderError. Leaving early cancels.
   */
  readonly body: AsyncIterable<Buffer>;
  /**
   * Says that something of meaning came. Without it the idle limit runs on, whatever bytes trickle in: keep-alive
   * comments must not hold a call for ever. Time the reader spends elsewhere does not count.
   */
  alive(): void;
  /** The whole body, for an answer that turns out to be no stream; at most 1 MiB, since it is an error or small. */
  collect(): Promise<HttpResponse>;
  /** Nothing more is wanted, but the rest is short: reads it away so that the connection can be used again. */
  drain(): void;
  /** Closes the connection unless the body is complete or being drained. May be called at any time. */
  cancel(): void;
}

/** One WebSocket exchange: connect, send one message, read frames. */
export interface SocketRequest {
  /** Named in errors. */
  readonly provider: string;
  /** `ws:` or `wss:`. */
  readonly url: URL;
  /** Sent as one text frame when the upgrade is accepted. */
  readonly message: string;
}

/** A handshake that was refused comes with the HTTP answer that refused it, its body cut to 64 KiB. */
export type SocketAnswer =
  | {
      /**
       * Text frames in the groups they arrive in; read once. A slow reader slows the upstream down. Ends when the upstream closes
       * in order, which says nothing about completeness; everything else throws ProviderError. Leaving early cuts
       * the connection.
       */
      readonly frames: AsyncIterable<readonly string[]>;
      /** Cuts the connection. May be called at any time. */
      cancel(): void;
    }
  | { readonly refusal: HttpResponse };

/**
 * HTTP/1.1 with kept-alive connections, one pool per origin. Redirects are never followed: they would carry the key
 * to another host. Whatever happens is an answer of any status or a `ProviderError`.
 */
export interface Transport {
  post(request: HttpRequest, call: Call): Promise<HttpResponse>;
  /** Resolves when the headers are there. */
  stream(request: HttpRequest, call: Call): Promise<HttpStream>;
  /** WebSocket, one connection per exchange; resolves when the upgrade is accepted or refused. */
  openSocket?(request: SocketRequest, call: Call): Promise<SocketAnswer>;
  /** Closes all connections; calls in flight reject with kind `aborted`. May be called twice. */
  close(): Promise<void>;
}
