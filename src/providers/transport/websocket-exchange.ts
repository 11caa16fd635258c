import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { WebSocket } from "ws";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { HttpResponse, SocketAnswer, SocketRequest } from "./transport.ts";
import { describeTransportError } from "./transport-error.ts";
import { describeClose, describeSocketError } from "./websocket-error.ts";

export interface SocketLimits {
  /** From `open` until the upgrade is accepted or rejected, including connecting and TLS. */
  readonly handshakeTimeoutMs: number;
  /** Time spent waiting for the first frame. */
  readonly firstFrameTimeoutMs: number;
  /** Time spent waiting for each further frame; pings do not count as frames. */
  readonly idleTimeoutMs: number;
  /** From `open` to the last frame. */
  readonly totalTimeoutMs: number;
  /** Maximum size of a message, all fragments together. */
  readonly maxFrameBytes: number;
  /** Maximum size of all messages of an exchange. */
  readonly maxBytes: number;
}

/** More unread frames or bytes than this pause the socket. */
const HIGH_WATER = { frames: 64, bytes: 1024 * 1024 };
const MAX_REFUSAL_BYTES = 64 * 1024;
/** A message with more fragments is an attack that exhausts memory. */
const MAX_FRAGMENTS = 4096;

interface SocketConnectOptions {
  readonly ca?: string[];
  readonly agent?: HttpsAgent;
}

/**
 * One connection. Frames are queued until the reader takes them, and the socket is paused while too many are queued. The
 * connection is always terminated without a close handshake, which would wait half a minute for a dead peer.
 */
export class SocketExchange {
  readonly #request: SocketRequest;
  readonly #signal: AbortSignal;
  readonly #limits: SocketLimits;
  readonly #onSettled: () => void;
  readonly #opened = Promise.withResolvers<SocketAnswer>();
  #socket: WebSocket | undefined;
  #queue: string[] = [];
  #queuedChars = 0;
  #bytes = 0;
  #frames = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** The upstream has closed the connection; queued frames can still be read. */
  #ended = false;
  #failure: ProviderError | undefined;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(request: SocketRequest, signal: AbortSignal, limits: SocketLimits, onSettled: () => void) {
    this.#request = request;
    this.#signal = signal;
    this.#limits = limits;
    this.#onSettled = onSettled;
  }

  open(connection: SocketConnectOptions): Promise<SocketAnswer> {
    if (this.#signal.aborted) {
      this.#onAbort();
      return this.#opened.promise;
    }
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    const { handshakeTimeoutMs, totalTimeoutMs } = this.#limits;
    this.#handshakeTimer = setTimeout(
      () => this.#timeOut("HANDSHAKE_TIMEOUT", `no handshake within ${handshakeTimeoutMs} ms`),
      handshakeTimeoutMs,
    );
    this.#deadline = setTimeout(
      () =>
        this.#timeOut(
          "TOTAL_TIMEOUT",
          `no complete response within ${totalTimeoutMs} ms (${this.#describeReceived()})`,
        ),
      totalTimeoutMs,
    );
    try {
      this.#connect(connection);
    } catch (error) {
      this.#fail(describeTransportError(error, this.#request.provider));
    }
    return this.#opened.promise;
  }

  abort(message: string): void {
    const { provider } = this.#request;
    this.#queue = [];
    this.#fail(new ProviderError(message, { kind: "aborted", provider, cause: this.#signal.reason }));
  }

  #connect({ agent, ca }: SocketConnectOptions): void {
    const { url } = this.#request;
    const isSecure = url.protocol === "wss:";
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: this.#limits.maxFrameBytes,
      maxFragments: MAX_FRAGMENTS,
      ca,
      agent: isSecure ? (agent ?? DIRECT_SECURE) : DIRECT,
    } as WebSocket.ClientOptions);
    this.#socket = socket;
    socket.on("open", () => this.#onOpen());
    socket.on("message", (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    socket.on("unexpected-response", (_, response) => this.#onRefusal(response));
    socket.on("error", (error) =>
      this.#fail(describeSocketError(error, this.#describeReceived(), this.#request.provider)),
    );
    socket.on("close", (code) => this.#onClose(code));
  }

  #onOpen(): void {
    clearTimeout(this.#handshakeTimer);
    this.#socket?.send(this.#request.message);
    this.#opened.resolve({
      frames: this.#read(),
      cancel: () => this.abort("the response was not read to its end"),
    });
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#failure) return;
    this.#frames += 1;
    this.#bytes += data.length;
    if (isBinary)
      this.#failBadResponse(
        "BINARY_FRAME",
        `a binary frame was received instead of text (${this.#describeReceived()})`,
      );
    else if (this.#bytes > this.#limits.maxBytes)
      this.#failBadResponse("BODY_TOO_LARGE", `the response is larger than ${this.#limits.maxBytes} bytes`);
    else this.#enqueue(data.toString("utf8"));
  }

  #enqueue(text: string): void {
    this.#queue.push(text);
    this.#queuedChars += text.length;
    if (this.#isFull()) this.#socket?.pause();
    this.#wake();
  }

  #isFull(): boolean {
    return this.#queue.length > HIGH_WATER.frames || this.#queuedChars > HIGH_WATER.bytes;
  }

  #onRefusal(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = () => {
      const body = Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES);
      const refusal: HttpResponse = { status: response.statusCode ?? 0, headers: response.headers, body };
      this.#ended = true;
      this.#opened.resolve({ refusal });
      this.#settle();
    };
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_REFUSAL_BYTES) finish();
    });
    response.once("end", finish);
    // The status is sufficient when the body is incomplete.
    response.once("error", finish);
    response.once("close", finish);
  }

  #onClose(code: number): void {
    if (this.#failure || this.#ended) return;
    const failure = describeClose(code, this.#describeReceived(), this.#request.provider);
    if (failure) this.#fail(failure);
    else {
      this.#ended = true;
      this.#settle();
      this.#wake();
    }
  }

  async *#read(): AsyncGenerator<readonly string[]> {
    try {
      for (;;) {
        const frames = this.#take();
        // Frames that arrived before a failure are read first, because they may complete the answer.
        if (frames.length > 0) yield frames;
        else if (this.#failure) throw this.#failure;
        else if (this.#ended) return;
        else await this.#wait();
      }
    } finally {
      this.abort("the response was not read to its end");
    }
  }

  #take(): readonly string[] {
    const frames = this.#queue;
    this.#queue = [];
    this.#queuedChars = 0;
    if (this.#socket?.isPaused) this.#socket.resume();
    return frames;
  }

  async #wait(): Promise<void> {
    this.#waiting = Promise.withResolvers();
    const first = this.#frames === 0;
    const limitMs = first ? this.#limits.firstFrameTimeoutMs : this.#limits.idleTimeoutMs;
    const message = first ? "no frame" : "the stream stalled: no further frame";
    const { promise } = this.#waiting;
    const timeOut = () => {
      if (this.#waiting?.promise !== promise) return;
      this.#timeOut("IDLE_TIMEOUT", `${message} for ${limitMs} ms (${this.#describeReceived()})`);
    };
    // Timers fire before sockets are read: after a pause of this process, frames that have arrived meanwhile come first.
    this.#idleTimer = setTimeout(() => setImmediate(timeOut), limitMs);
    await promise;
    clearTimeout(this.#idleTimer);
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #describeReceived(): string {
    return `${this.#frames} frames and ${this.#bytes} bytes received`;
  }

  readonly #onAbort = (): void => this.abort("the call was aborted");

  #timeOut(code: string, message: string): void {
    this.#fail(new ProviderError(message, { kind: "timeout", provider: this.#request.provider, code }));
  }

  #failBadResponse(code: string, message: string): void {
    this.#queue = [];
    this.#fail(new ProviderError(message, { kind: "bad-response", provider: this.#request.provider, code }));
  }

  /** Only the first failure counts, and none after the end. */
  #fail(error: ProviderError): void {
    if (this.#failure || this.#ended) return;
    this.#failure = error;
    this.#opened.reject(error);
    this.#settle();
    this.#wake();
  }

  #settle(): void {
    clearTimeout(this.#handshakeTimer);
    clearTimeout(this.#deadline);
    clearTimeout(this.#idleTimer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#socket?.terminate();
    this.#onSettled();
  }
}

/** Without keep-alive: an upgraded connection serves one exchange, and a rejected one is not worth keeping. */
const DIRECT = new HttpAgent({ keepAlive: false });
const DIRECT_SECURE = new HttpsAgent({ keepAlive: false });
