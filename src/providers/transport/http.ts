import { getCACertificates } from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { ProviderError } from "#src/core/failures/errors.ts";
import type { Call } from "#src/providers/provider.ts";
import { abortedError, deadlineError, dispatchOptions, tooLargeError } from "./exchange-helpers.ts";
import { inflateBody } from "./inflate-body.ts";
import { LargeReadQueue } from "./large-read-queue.ts";
import { parseRateLimits } from "./rate-limit-headers.ts";
import { openStream } from "./stream.ts";
import type { HttpHeaders, HttpRequest, HttpResponse, Transport } from "./transport.ts";
import { describeTransportError } from "./transport-error.ts";
import { createSocketOpener, type SocketOptions } from "./websocket.ts";

export interface TransportOptions {
  /** For the TCP and TLS handshake. */
  readonly connectTimeoutMs?: number;
  /** From sending the request to the last response header. */
  readonly headersTimeoutMs?: number;
  /** Without receiving a body byte. */
  readonly idleTimeoutMs?: number;
  /** From `post` to the last body byte, so that an occasional byte cannot keep a call alive forever. */
  readonly totalTimeoutMs?: number;
  /** From `stream` to the last body byte. */
  readonly streamTotalTimeoutMs?: number;
  /** Counted after decompression. */
  readonly maxBodyBytes?: number;
  /** Maximum connections per origin; the limiter decides how many are used. */
  readonly connections?: number;
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Comma-separated hosts to reach without the proxy. */
  readonly noProxy?: string;
  /** PEM certificates to trust in addition to Node's default CAs. */
  readonly extraCa?: string;
  /** Options for WebSocket exchanges that differ from the ones above. */
  readonly socket?: SocketOptions;
}

const DEFAULTS = {
  connectTimeoutMs: 10_000,
  // Slow models and gateways without keep-alives send nothing before their first token.
  headersTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 180_000,
  // The longest outputs (100,000 tokens) at the slowest usual rate take half an hour.
  streamTotalTimeoutMs: 1_800_000,
  // A full embedding response of 2048 inputs x 2560 dimensions is about 60 MB of JSON.
  maxBodyBytes: 128 * 1024 * 1024,
  connections: 512,
} as const satisfies TransportOptions;

export function createTransport(options: TransportOptions = {}): Transport {
  const dispatcher = createDispatcher(options);
  const { httpsProxy, noProxy, extraCa } = options;
  const sockets = createSocketOpener({ httpsProxy, noProxy, extraCa, ...options.socket });
  const reads = new LargeReadQueue();
  const totalTimeoutMs = options.totalTimeoutMs ?? DEFAULTS.totalTimeoutMs;
  const maxBodyBytes = options.maxBodyBytes ?? DEFAULTS.maxBodyBytes;
  return {
    async post(request, call) {
      const totalMs = request.timeLimits?.totalMs ?? totalTimeoutMs;
      const response = await new HttpExchange(request, call, { totalMs, maxBodyBytes }, reads).run(dispatcher);
      return inflateBody(response, request.provider, maxBodyBytes);
    },
    stream: (request, call) =>
      openStream(dispatcher, request, call, {
        idleMs: options.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs,
        totalMs: options.streamTotalTimeoutMs ?? DEFAULTS.streamTotalTimeoutMs,
        maxBodyBytes,
      }),
    openSocket: (request, call) => sockets.open(request, call),
    async close() {
      sockets.close();
      if (!dispatcher.destroyed) await dispatcher.destroy();
    },
  };
}

export function createDispatcher(options: TransportOptions): Dispatcher & { destroyed: boolean } {
  // The `ca` option replaces Node's default CAs, so they are included.
  const ca = options.extraCa ? [...getCACertificates("default"), options.extraCa] : undefined;
  const shared = {
    connections: options.connections ?? DEFAULTS.connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: options.headersTimeoutMs ?? DEFAULTS.headersTimeoutMs,
    bodyTimeout: options.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs,
    // Longer than undici's 4 s, so that a lane with a few calls per minute rarely needs a TLS handshake. A Keep-Alive hint
    // from the server shortens it.
    keepAliveTimeout: 20_000,
    connect: { timeout: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs, ca },
  };
  if (!options.httpProxy && !options.httpsProxy) return new Agent(shared) as Agent & { destroyed: boolean };
  return new EnvHttpProxyAgent({
    ...shared,
    requestTls: ca && { ca },
    proxyTls: ca && { ca },
    // For an absent value, undici would read the environment, which only the configuration may do.
    httpProxy: options.httpProxy ?? "",
    httpsProxy: options.httpsProxy ?? "",
    noProxy: options.noProxy ?? "",
  }) as EnvHttpProxyAgent & { destroyed: boolean };
}

interface ExchangeLimits {
  readonly totalMs: number;
  readonly maxBodyBytes: number;
}

/**
 * One request and its complete response. It settles once: with the response, an error, the abort signal or the total time
 * limit, whichever comes first. Abort and time limit settle immediately, even while the request waits for a connection
 * (undici would report them only after connecting); the request is then aborted when it starts.
 */
class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #onAnswerStart: Call["onAnswerStart"];
  readonly #limits: ExchangeLimits;
  readonly #reads: LargeReadQueue;
  readonly #chunks: Buffer[] = [];
  readonly #promise = Promise.withResolvers<HttpResponse>();
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settled = false;
  #bytes = 0;
  #status = 0;
  #headers: HttpHeaders = {};

  constructor(request: HttpRequest, { signal, onAnswerStart }: Call, limits: ExchangeLimits, reads: LargeReadQueue) {
    this.#request = request;
    this.#signal = signal;
    this.#onAnswerStart = onAnswerStart;
    this.#limits = limits;
    this.#reads = reads;
  }

  run(dispatcher: Dispatcher): Promise<HttpResponse> {
    if (this.#signal.aborted) {
      this.#onAbort();
      return this.#promise.promise;
    }
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#timer = setTimeout(this.#onDeadline, this.#limits.totalMs);
    try {
      dispatcher.dispatch({ ...dispatchOptions(this.#request), bodyTimeout: this.#request.timeLimits?.idleMs }, this);
    } catch (error) {
      this.#fail(describeTransportError(error, this.#request.provider));
    }
    return this.#promise.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error("the call ended before its request was sent"));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200) return;
    this.#onAnswerStart?.(parseRateLimits(headers, Date.now()));
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.maxBodyBytes)
      this.#fail(tooLargeError(this.#request.provider, this.#status, this.#limits.maxBodyBytes));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settle();
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes);
    this.#reads.schedule(this.#bytes, () =>
      this.#promise.resolve({ status: this.#status, headers: this.#headers, body }),
    );
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(describeTransportError(error, this.#request.provider));
  }

  readonly #onAbort = (): void =>
    this.#fail(abortedError(this.#request.provider, this.#signal, "the call was aborted"));

  readonly #onDeadline = (): void =>
    this.#fail(deadlineError(this.#request.provider, this.#limits.totalMs, this.#bytes));

  #fail(error: ProviderError): void {
    if (this.#settled) return;
    this.#settle();
    this.#chunks.length = 0;
    this.#promise.reject(error);
    this.#controller?.abort(error);
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
