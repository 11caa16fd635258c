import type { Call } from "../provider.ts";

export interface HttpRequest {
  /** Named in errors. */
  readonly provider: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
}

/**
 * HTTP/1.1 with kept-alive connections, one pool per origin. Redirects are never followed: they would carry the key
 * to another host. Whatever happens is an `HttpResponse` of any status or a `ProviderError`.
 */
export interface Transport {
  post(request: HttpRequest, call: Call): Promise<HttpResponse>;
  /** Closes all connections; calls in flight reject with kind `aborted`. May be called twice. */
  close(): Promise<void>;
}
