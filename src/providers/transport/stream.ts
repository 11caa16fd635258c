import type { Dispatcher } from "undici";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { Call } from "#src/providers/provider.ts";
import { abortedError, deadlineError, dispatchOptions, tooLargeError } from "./exchange-helpers.ts";
import { inflateBody, inflateChunks } from "./inflate-body.ts";
import { parseRateLimits } from "./rate-limit-headers.ts";
import type { HttpHeaders, HttpRequest, HttpResponse, HttpStream } from "./transport.ts";
import { describeTransportError } from "./transport-error.ts";

interface StreamLimits {
  readonly idleMs: number;
  readonly firstEventMs: number;
  readonly totalMs: number;
  /** Counted after decompression. */
  readonly maxBodyBytes: number;
}

/** More unread bytes than this pause the upstream. */
const HIGH_WATER_BYTES = 64 * 1024;
/** A response that is not a stream is an error message or a single chat answer. */
const MAX_COLLECTED_BYTES = 1024 * 1024;
/** How much may follow the end of a stream; reading more would cost more than a new connection. */
const DRAIN = { bytes: 64 * 1024, ms: 1_000 };

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Sends the request and resolves with the headers; see Transport.stream. */
export function openStream(
  dispatcher: Dispatcher,
  request: HttpRequest,
  call: Call,
  limits: Omit<StreamLimits, "firstEventMs">,
): Promise<HttpStream> {
  const exchange = new StreamExchange(request, call, {
    ...limits,
    idleMs: request.timeLimits?.idleMs ?? limits.idleMs,
    firstEventMs: request.timeLimits?.headersMs ?? 0,
    totalMs: request.timeLimits?.totalMs ?? limits.totalMs,
  });
  return exchange.open(dispatcher);
}

/**
 * One request and its streamed response. undici's callbacks put bytes into a queue and pause the socket when the queue is
 * full; the reader takes them at its own pace. The abort signal, the limits and errors end the exchange immediately in any
 * state.
 */
class StreamExchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #onAnswerStart: Call["onAnswerStart"];
  readonly #limits: StreamLimits;
  readonly #opened = Promise.withResolvers<HttpStream>();
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: HttpHeaders = {};
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #bytes = 0;
  /** Set while the reader waits for the next bytes. */
  #waiting: PromiseWithResolvers<void> | undefined;
  #ended = false;
  #failure: ProviderError | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #idleCheck: NodeJS.Immediate | undefined;
  /** Time spent waiting for bytes since the last call of `alive`, without the current wait. */
  #waitedMs = 0;
  #waitingSince = 0;
  /** An event has arrived; until then, the limit of the first byte applies if it is longer. */
  #hasEvent = false;
  #draining = false;

  constructor(request: HttpRequest, { signal, onAnswerStart }: Call, limits: StreamLimits) {
    this.#request = request;
    this.#signal = signal;
    this.#onAnswerStart = onAnswerStart;
    this.#limits = limits;
  }

  open(dispatcher: Dispatcher): Promise<HttpStream> {
    if (this.#signal.aborted) {
      this.#onAbort();
      return this.#opened.promise;
    }
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#deadline = setTimeout(this.#onDeadline, this.#limits.totalMs);
    try {
      dispatcher.dispatch(
        // Idle time is measured by this class: only events and comments count, not bytes.
        { ...dispatchOptions(this.#request), bodyTimeout: 0 },
        this,
      );
    } catch (error) {
      this.#fail(describeTransportError(error, this.#request.provider));
    }
    return this.#opened.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure) controller.abort(this.#failure);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200 || this.#failure) return;
    this.#status = status;
    this.#headers = headers;
    this.#onAnswerStart?.(parseRateLimits(headers, Date.now()));
    this.#opened.resolve(this.#createStream());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#failure) return;
    this.#bytes += chunk.length;
    this.#queuedBytes += chunk.length;
    if (this.#bytes > this.#limits.maxBodyBytes) this.#fail(this.#tooLarge(this.#limits.maxBodyBytes));
    else if (this.#draining) this.#skip();
    else {
      this.#queue.push(chunk);
      if (this.#queuedBytes > HIGH_WATER_BYTES) controller.pause();
      this.#wake();
    }
  }

  onResponseEnd(): void {
    if (this.#failure) return;
    this.#ended = true;
    this.#stopTimers();
    this.#wake();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(describeTransportError(error, this.#request.provider));
  }

  #createStream(): HttpStream {
    const { provider } = this.#request;
    const body = inflateChunks(
      this.#read(),
      { status: this.#status, headers: this.#headers },
      provider,
      this.#limits.maxBodyBytes,
    );
    return {
      status: this.#status,
      headers: this.#headers,
      body,
      alive: () => {
        this.#waitedMs = 0;
        this.#hasEvent = true;
      },
      collect: () => this.#collect(),
      drain: () => this.#drain(),
      cancel: () => this.#cancel(),
    };
  }

  /** Not a generator: that would add as much time to every delta as decoding it takes. */
  #read(): AsyncIterableIterator<Buffer> {
    const body: AsyncIterableIterator<Buffer> = {
      next: () => this.#next(),
      return: async () => {
        this.#cancel();
        return END;
      },
      [Symbol.asyncIterator]: () => body,
    };
    return body;
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const value = this.#take();
      if (value !== undefined) return { done: false, value };
      if (this.#ended) return END;
      await this.#wait();
    }
  }

  #cancel(): void {
    // No error is created when it would not be seen: capturing its stack costs more than a frame.
    if (this.#draining || this.#hasFinished()) return;
    this.#fail(this.#aborted("the response was not read to its end"));
  }

  #hasFinished(): boolean {
    return this.#failure !== undefined || (this.#ended && this.#queue.length === 0);
  }

  #take(): Buffer | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    this.#queuedBytes -= chunk.length;
    if (this.#controller?.paused && this.#queuedBytes <= HIGH_WATER_BYTES / 2) this.#controller.resume();
    return chunk;
  }

  async #wait(): Promise<void> {
    this.#waiting = Promise.withResolvers();
    this.#waitingSince = performance.now();
    this.#idleTimer ??= setTimeout(this.#onIdle, this.#limits.idleMs);
    await this.#waiting.promise;
  }

  #wake(): void {
    if (!this.#waiting) return;
    this.#waitedMs += performance.now() - this.#waitingSince;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  async #collect(): Promise<HttpResponse> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#read()) {
      bytes += chunk.length;
      if (bytes > MAX_COLLECTED_BYTES) throw this.#tooLarge(MAX_COLLECTED_BYTES);
      chunks.push(chunk);
      this.#waitedMs = 0;
    }
    const response = { status: this.#status, headers: this.#headers, body: Buffer.concat(chunks, bytes) };
    return inflateBody(response, this.#request.provider, MAX_COLLECTED_BYTES);
  }

  #drain(): void {
    if (this.#ended || this.#failure) return;
    this.#draining = true;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(this.#onDeadline, DRAIN.ms);
    this.#skip();
    if (this.#controller?.paused) this.#controller.resume();
  }

  #skip(): void {
    this.#queue = [];
    if (this.#queuedBytes > DRAIN.bytes) this.#fail(this.#aborted("too much data followed the end of the stream"));
  }

  /**
   * One timer serves the whole stream: when it fires, the waited time is checked, and the timer is set for the rest. Timers
   * fire before sockets are read, so after a pause of this process, bytes that have arrived meanwhile are read first.
   */
  readonly #onIdle = (): void => {
    this.#idleCheck = setImmediate(this.#checkIdle);
  };

  readonly #checkIdle = (): void => {
    const waited = this.#waitedMs + (this.#waiting ? performance.now() - this.#waitingSince : 0);
    const limitMs = this.#hasEvent ? this.#limits.idleMs : Math.max(this.#limits.idleMs, this.#limits.firstEventMs);
    if (this.#waiting && waited >= limitMs) {
      this.#fail(
        new ProviderError(`the stream stalled: no event for ${limitMs} ms (${this.#bytes} bytes received)`, {
          kind: "timeout",
          provider: this.#request.provider,
          code: "IDLE_TIMEOUT",
        }),
      );
    } else this.#idleTimer = setTimeout(this.#onIdle, Math.max(1, Math.min(limitMs - waited, this.#limits.idleMs)));
  };

  readonly #onDeadline = (): void =>
    this.#fail(deadlineError(this.#request.provider, this.#limits.totalMs, this.#bytes));

  readonly #onAbort = (): void => this.#fail(this.#aborted("the call was aborted"));

  #aborted(message: string): ProviderError {
    return abortedError(this.#request.provider, this.#signal, message);
  }

  #tooLarge(limit: number): ProviderError {
    return tooLargeError(this.#request.provider, this.#status, limit);
  }

  /** Only the first failure counts, and none after the end. */
  #fail(error: ProviderError): void {
    if (this.#hasFinished()) return;
    this.#failure = error;
    this.#stopTimers();
    this.#queue = [];
    this.#opened.reject(error);
    this.#wake();
    if (!this.#ended) this.#controller?.abort(error);
  }

  #stopTimers(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#idleTimer);
    clearImmediate(this.#idleCheck);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}
