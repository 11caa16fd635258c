// An upstream that streams in the OpenAI protocol. The text of every delta is the time at which it was sent.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serveParent } from "../bench-child.ts";
import { microsecondsNow } from "./monotonic-clock.ts";

export interface UpstreamSetup {
  readonly deltas: number;
  /** Time between two deltas of a stream. */
  readonly everyMs: number;
}

const { deltas, everyMs } = JSON.parse(process.argv[2] ?? "{}") as UpstreamSetup;

const server = createServer(async (request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (choice: object, more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: "c-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o-mini", choices: [{ index: 0, ...choice }], ...more })}\n\n`,
    );
  // The first delta is sent immediately and the others at fixed intervals from there, so streams that start apart stay apart.
  let next = performance.now();
  for (let i = 0; i < deltas && !response.destroyed; i++) {
    await sleep(Math.max(0, next - performance.now()));
    next += everyMs;
    send({ delta: { content: `${microsecondsNow()} ` }, finish_reason: null });
  }
  send({ delta: {}, finish_reason: "stop" });
  response.write(
    `data: ${JSON.stringify({ id: "c-1", object: "chat.completion.chunk", created: 1, model: "gpt-4o-mini", choices: [], usage: { prompt_tokens: 3, completion_tokens: deltas, total_tokens: deltas + 3 } })}\n\n`,
  );
  response.end("data: [DONE]\n\n");
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  serveParent(
    async () => `http://127.0.0.1:${port}/v1`,
    async () => {
      server.closeAllConnections();
      server.close();
    },
  );
});
