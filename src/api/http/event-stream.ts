import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/** Silence after which a comment keeps proxies from closing the connection, ms. */
const KEEP_ALIVE_MS = 10_000;

/** Writes server-sent events, waiting while the reader is slower than the source. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  /** Aborts when the reader has gone. */
  readonly signal: AbortSignal;

  /** Takes over the response, with the headers that the reply has so far. */
  constructor(reply: FastifyReply) {
    const headers = reply.getHeaders();
    reply.hijack();
    this.#response = reply.raw;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) this.#response.setHeader(name, value);
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      // nginx would otherwise collect the events before it passes them on.
      "x-accel-buffering": "no",
      connection: "keep-alive",
    });
    this.#response.flushHeaders();
    const gone = new AbortController();
    this.#response.once("close", () => gone.abort(new Error("the reader has gone")));
    this.signal = gone.signal;
    this.#keepAlive = setInterval(() => this.#response.write(": keep-alive\n\n"), KEEP_ALIVE_MS);
  }

  /** Sends one event; `data` is serialized as JSON unless it is text. Resolves when the reader can take more. */
  async send(data: unknown, { event, id }: { readonly event?: string; readonly id?: string } = {}): Promise<void> {
    if (this.signal.aborted) return;
    const text = typeof data === "string" ? data : JSON.stringify(data);
    const head = `${event === undefined ? "" : `event: ${event}\n`}${id === undefined ? "" : `id: ${id}\n`}`;
    this.#keepAlive.refresh();
    if (!this.#response.write(`${head}data: ${text}\n\n`)) {
      await once(this.#response, "drain", { signal: this.signal }).catch(() => undefined);
    }
  }

  end(): void {
    clearInterval(this.#keepAlive);
    this.#response.end();
  }
}
