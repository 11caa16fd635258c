import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import { limitTransport } from "#src/providers/transport/limit-transport.ts";
import type { TimeLimits } from "#src/providers/transport/transport.ts";

const call = { signal: new AbortController().signal };
const request = { messages: [{ role: "user" as const, content: "hi" }] };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(answer: (response: ServerResponse) => void): Promise<{ url: string; calls: () => number }> {
  let calls = 0;
  const server = createServer((incoming, response) => {
    calls += 1;
    incoming.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, calls: () => calls };
}

function openChat(provider: string, baseUrl: string, options: TransportOptions, limits?: TimeLimits) {
  const transport = limitTransport(createTransport(options), limits);
  const adapter = createRegistry().createProvider(provider, { baseUrl, apiKey: "k" }, transport);
  cleanups.push(() => adapter.close());
  const chat = adapter.chat?.(provider === "zhipu" ? "glm-4-plus" : "m");
  if (!chat) throw new Error("no chat");
  return chat;
}

async function streamText(chat: ReturnType<typeof openChat>): Promise<string> {
  for await (const event of chat.stream(request, call)) if (event.type === "end") return event.response.text;
  throw new Error("no end");
}

const FRAMES = ["late", undefined].map((content) => ({
  choices: [{ index: 0, delta: content ? { content } : {}, finish_reason: content ? null : "stop" }],
}));
const BODY = `${FRAMES.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")}data: [DONE]\n\n`;

const COMMENT_INTERVAL_MS = 20;

/** Sends a number of comments, then the answer. */
const answerAfterComments = (count: number, comment: string) => (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    if (sent <= count) response.write(comment);
    else response.end(BODY);
  }, COMMENT_INTERVAL_MS);
  response.once("close", () => clearInterval(timer));
};

describe("keep-alive comments", () => {
  it.each([": keep-alive\n\n", ": OPENROUTER PROCESSING\n\n", ":\n"])("keep a stream alive: %j", async (comment) => {
    const server = await serve(answerAfterComments(500 / COMMENT_INTERVAL_MS, comment));
    expect(await streamText(openChat("deepseek", server.url, { idleTimeoutMs: 200 }))).toBe("late");
    expect(server.calls()).toBe(1);
  });

  it("do not keep it alive beyond the total limit", async () => {
    const server = await serve(answerAfterComments(Number.POSITIVE_INFINITY, ": keep-alive\n\n"));
    const chat = openChat("deepseek", server.url, { idleTimeoutMs: 200, streamTotalTimeoutMs: 500 });
    await expect(streamText(chat)).rejects.toMatchObject({ code: "TOTAL_TIMEOUT" });
  });
});

describe("the time until the first event", () => {
  const idleTimeoutMs = 100;
  const start = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  const answerLate = (response: ServerResponse) => {
    start(response);
    setTimeout(() => response.end(BODY), 3 * idleTimeoutMs);
  };

  it("may be longer than the idle limit on servers that load models", async () => {
    const server = await serve(answerLate);
    expect(await streamText(openChat("ollama", server.url, { idleTimeoutMs }))).toBe("late");
    expect(await streamText(openChat("vllm", server.url, { idleTimeoutMs }))).toBe("late");
    const silent = await serve(start);
    await expect(streamText(openChat("deepseek", silent.url, { idleTimeoutMs }))).rejects.toMatchObject({
      code: "IDLE_TIMEOUT",
    });
  });
});

describe("configured time limits", () => {
  it.each(["zhipu", "deepseek"])("replace those of %s", async (provider) => {
    const silent = await serve(() => undefined);
    const chat = openChat(provider, silent.url, {}, { totalMs: 100 });
    await expect(chat.generate(request, call)).rejects.toMatchObject({ code: "TOTAL_TIMEOUT" });
    await expect(streamText(chat)).rejects.toMatchObject({ code: "TOTAL_TIMEOUT" });
  });
});
