import type { FastifyReply } from "fastify";
import type { LiveEventName, LiveEvents } from "./live-events.ts";

/** A reader with a larger backlog is disconnected; it reconnects and starts with the current state. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;

/** One open stream of server-sent events. */
export class SseConnection {
  readonly #reply: FastifyReply;
  readonly #last = new Map<LiveEventName, string>();
  readonly #closed = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      // Keeps proxies from buffering events.
      "x-accel-buffering": "no",
    });
    raw.write(`retry: ${RETRY_MS}\n\n`);
    raw.once("close", () => this.close());
    raw.on("error", () => this.close());
    this.#heartbeat = setInterval(() => this.#write(": still here\n\n"), HEARTBEAT_MS);
  }

  /** Aborts when the reader disconnects or `close` is called. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  send<E extends LiveEventName>(event: E, data: LiveEvents[E]): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Sends JSON that was serialized once for all streams, unless it equals the last event of this name. */
  sendJson(event: LiveEventName, json: string): void {
    if (this.#last.get(event) === json) return;
    this.#last.set(event, json);
    this.#write(`event: ${event}\ndata: ${json}\n\n`);
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    clearInterval(this.#heartbeat);
    this.#closed.abort();
    this.#reply.raw.end();
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (this.signal.aborted || raw.destroyed) return;
    raw.write(text);
    if (raw.writableLength > MAX_BACKLOG_BYTES) {
      this.close();
      raw.destroy();
    }
  }
}
