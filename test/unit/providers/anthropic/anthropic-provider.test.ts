import { expect, it } from "vitest";
import { createRegistry } from "#src/providers/registry.ts";
import { streamWhereNeeded } from "#src/providers/stream-upstream.ts";
import type { HttpRequest } from "#src/providers/transport/transport.ts";
import { createPlaybackTransport } from "#test/support/conformance/playback.ts";

const EVENTS = [
  {
    type: "message_start",
    message: { id: "m", type: "message", role: "assistant", content: [], usage: { input_tokens: 1, output_tokens: 1 } },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "yes" } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
  { type: "message_stop" },
];
const BODY = EVENTS.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

/** Generates an answer and returns it with the request that was sent. */
async function generate(baseUrl: string, maxTokens?: number) {
  const sent: HttpRequest[] = [];
  const playback = createPlaybackTransport({ bytes: Buffer.from(BODY) });
  const transport = {
    ...playback,
    post: (...args: Parameters<typeof playback.post>) => {
      sent.push(args[0]);
      return playback.post(...args);
    },
    stream: (...args: Parameters<typeof playback.stream>) => {
      sent.push(args[0]);
      return playback.stream(...args);
    },
  };
  const account = { baseUrl, apiKey: "sk-ant-x", extra: { beta: "context-1m-2025-08-07" } };
  const provider = streamWhereNeeded(createRegistry().createProvider("anthropic", account, transport));
  const model = provider.chat?.("claude-opus-4-5");
  const messages = [{ role: "user" as const, content: "x" }];
  const response = await model?.generate({ messages, maxTokens }, { signal: new AbortController().signal });
  return { request: sent[0], response };
}

it("sends the key, the version and the features in headers, to the path below the base URL", async () => {
  for (const baseUrl of ["https://up.example", "https://up.example/", "https://up.example/v1"]) {
    const { request } = await generate(baseUrl, 100);
    expect(request?.url.href).toBe("https://up.example/v1/messages");
    expect(request?.headers).toMatchObject({
      "x-api-key": "sk-ant-x",
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "context-1m-2025-08-07",
    });
    expect(request?.headers).not.toHaveProperty("authorization");
  }
});

it("requests a long answer as a stream, and joins it", async () => {
  const { request, response } = await generate("https://up.example");
  expect(JSON.parse(String(request?.body))).toMatchObject({ stream: true, max_tokens: expect.any(Number) });
  expect(response).toMatchObject({ text: "yes", usage: { outputTokens: 2 } });
  expect(JSON.parse(String((await generate("https://up.example", 1000)).request?.body))).toMatchObject({
    stream: false,
  });
});
