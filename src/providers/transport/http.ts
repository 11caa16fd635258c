import { getCACertificates } from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { ProviderError } from "#src/core/errors.ts";
import type { Call } from "#src/providers/provider.ts";
import { abortedError, deadlineError, dispatchOptions, tooLargeError } from "./exchange-helpers.ts";
import { inflateBody } from "./inflate-body.ts";
import { openStream } from "./stream.ts";
import type { HttpHeaders, HttpRequest, HttpResponse, Transport } from "./transport.ts";
import { describeTransportError } from "./transport-error.ts";
import { createSocketOpener, type SocketOptions } from "./websocket.ts";

export interface TransportOptions {
  /** Until the TCP and TLS handshake is through. */
  readonly connectTimeoutMs?: number;
  /** From the request sent to the last response header. */
  readonly headersTimeoutMs?: number;
  /** Without a single body byte. */
  readonly idleTimeoutMs?: number;
  /** From `post` to the last body byte: a byte now and then cannot keep a call alive for ever. */
  readonly totalTimeoutMs?: number;
  /** From `stream` to the last body byte. */
  readonly streamTotalTimeoutMs?: number;
  /** Counted after decompression. */
  readonly maxBodyBytes?: number;
  /** Open connections per origin; the limiter decides how many are used. */
  readonly connections?: number;
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Comma-separated hosts that are reached directly. */
  readonly noProxy?: string;
  /** PEM certificates trusted beside the system's own. */
  readonly extraCa?: string;
  /** Limits of WebSocket exchanges where theirs differ. */
  readonly socket?: SocketOptions;
}

const DEFAULTS = {
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 90_000,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 180_000,
  // The longest outputs (100,000 tokens) at the slowest usual pace take half an hour.
  streamTotalTimeoutMs: 1_800_000,
  // A full embedding response of 2048 inputs x 2560 dimensions is some 60 MB of JSON.
  maxBodyBytes: 128 * 1024 * 1024,
  connections: 512,
} as const satisfies TransportOptions;

export function createTransport(options: TransportOptions = {}): Transport {
  const dispatcher = createDispatcher(options);
  const sockets = createSocketOpener({ ...pickSocketOptions(options), ...options.socket });
  const totalTimeoutMs = options.totalTimeoutMs ?? DEFAULTS.totalTimeoutMs;
  const maxBodyBytes = options.maxBodyBytes ?? DEFAULTS.maxBodyBytes;
  return {
    async post(request, call) {
      const totalMs = request.timeLimits?.totalMs ?? totalTimeoutMs;
      const response = await new HttpExchange(request, call, totalMs, maxBodyBytes).run(dispatcher);
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

/** Proxy and authorities hold for WebSockets as well. */
function pickSocketOptions({ httpsProxy, noProxy, extraCa }: TransportOptions): SocketOptions {
  return { ...(httpsProxy && { httpsProxy }), ...(noProxy && { noProxy }), ...(extraCa && { extraCa }) };
}

function createDispatcher(options: TransportOptions): Dispatcher & { destroyed: boolean } {
  // Naming a CA replaces Node's own list, so that list is passed along.
  const ca = options.extraCa ? [...getCACertificates("default"), options.extraCa] : undefined;
  const shared = {
    connections: options.connections ?? DEFAULTS.connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: options.headersTimeoutMs ?? DEFAULTS.headersTimeoutMs,
    bodyTimeout: options.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs,
    // Longer than undici's 4 s, so that a lane paced at a few calls a minute seldom pays a TLS handshake; a server's
    // own Keep-Alive hint shortens it.
    keepAliveTimeout: 20_000,
    connect: { timeout: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs, ...(ca && { ca }) },
  };
  if (!options.httpProxy && !options.httpsProxy) return new Agent(shared) as Agent & { destroyed: boolean };
  return new EnvHttpProxyAgent({
    ...shared,
    ...(ca && { requestTls: { ca }, proxyTls: { ca } }),
    // An absent value would make undici look into the environment, which only the configuration may read.
    httpProxy: options.httpProxy ?? "",
    httpsProxy: options.httpsProxy ?? "",
    noProxy: options.noProxy ?? "",
  }) as EnvHttpProxyAgent & { destroyed: boolean };
}

/**
 * One request and its collected answer. It settles once: by the answer, an error, the abort signal or the total time
 * limit, whichever comes first. Abort and time limit settle at once, also while the request still waits for a
 * connection (undici would report them only when the connection is there); the late request is then cut off.
 */
class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #onAnswerStart: (() => void) | undefined;
  readonly #totalTimeoutMs: number;
  readonly #maxBodyBytes: number;
  readonly #chunks: Buffer[] = [];
  readonly #promise = Promise.withResolvers<HttpResponse>();
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #settled = false;
  #bytes = 0;
  #status = 0;
  #headers: HttpHeaders = {};

  constructor(request: HttpRequest, { signal, onAnswerStart }: Call, totalTimeoutMs: number, maxBodyBytes: number) {
    this.#request = request;
    this.#signal = signal;
    this.#onAnswerStart = onAnswerStart;
    this.#totalTimeoutMs = totalTimeoutMs;
    this.#maxBodyBytes = maxBodyBytes;
  }

  run(dispatcher: Dispatcher): Promise<HttpResponse> {
    const { timeLimits } = this.#request;
    if (this.#signal.aborted) {
      this.#onAbort();
      return this.#promise.promise;
    }
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#timer = setTimeout(this.#onDeadline, this.#totalTimeoutMs);
    try {
      dispatcher.dispatch(
        {
          ...dispatchOptions(this.#request),
          ...(timeLimits?.idleMs !== undefined && { bodyTimeout: timeLimits.idleMs }),
        },
        this,
      );
    } catch (error) {
      this.#fail(describeTransportError(error, this.#request.provider));
    }
    return this.#promise.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error("settled before it was sent"));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200) return;
    this.#onAnswerStart?.();
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBodyBytes)
      this.#fail(tooLargeError(this.#request.provider, this.#status, this.#maxBodyBytes));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settle();
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes);
    const answer = { status: this.#status, headers: this.#headers, body };
    if (this.#bytes < LARGE_BYTES) this.#promise.resolve(answer);
    else deferLargeRead(() => this.#promise.resolve(answer));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(describeTransportError(error, this.#request.provider));
  }

  readonly #onAbort = (): void =>
    this.#fail(abortedError(this.#request.provider, this.#signal, "the call was aborted"));

  readonly #onDeadline = (): void =>
    this.#fail(deadlineError(this.#request.provider, this.#totalTimeoutMs, this.#bytes));

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

/** From here on, reading an answer takes long enough that others should not have to wait for many of them. */
const LARGE_BYTES = 16 * 1024;
/** What these lead to (records, reservations) goes to Redis together; one by one they would cost it far more. */
const READS_PER_TICK = 8;
const deferredReads: (() => void)[] = [];

/**
 * Of large answers that come at the same moment only some are read in a turn of the event loop: in between, requests go
 * out and replies of Redis come in. In one go, the answers of a burst would keep its next calls from being sent.
 */
function deferLargeRead(read: () => void): void {
  if (deferredReads.push(read) === 1) setImmediate(runDeferredReads);
}

function runDeferredReads(): void {
  for (const read of deferredReads.splice(0, READS_PER_TICK)) read();
  if (deferredReads.length > 0) setImmediate(runDeferredReads);
}
