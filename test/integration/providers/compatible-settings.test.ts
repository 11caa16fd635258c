import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import type { ProviderDefinition } from "#src/providers/openai-compatible/user-defined-profile.ts";
import type { ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { streamWhereNeeded } from "#src/providers/stream-upstream.ts";
import { createTransport } from "#src/providers/transport/http.ts";

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

const call = { signal: new AbortController().signal };
const request: ChatRequest = { messages: [{ role: "user", content: "hi" }] };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A server that answers every request with `answer`, and the calls that it received. */
async function serve(answer: (response: ServerResponse) => void): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server: Server = createServer(async (incoming, response) => {
    const body = JSON.parse(await text(incoming)) as Record<string, unknown>;
    received.push({ url: incoming.url, headers: incoming.headers, body });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, received };
}

function openChat(baseUrl: string, settings: Partial<ProviderDefinition> = {}, model = "m"): ChatModel {
  const definition: ProviderDefinition = { name: "gw", baseUrl, models: [{ name: model, kind: "chat" }], ...settings };
  const transport = createTransport();
  const registry = createRegistry({ definedProviders: [definition] });
  const provider = registry.createProvider("gw", { baseUrl, apiKey: "secret" }, transport);
  cleanups.push(() => provider.close());
  const chat = provider.chat?.(model);
  if (!chat) throw new Error("no chat");
  return chat;
}

async function stream(chat: ChatModel): Promise<ChatResponse> {
  for await (const event of chat.stream(request, call)) if (event.type === "end") return event.response;
  throw new Error("no end");
}

const completion = { choices: [{ index: 0, message: { content: "hello" }, finish_reason: "stop" }] };
const answerJson = (response: ServerResponse) => response.end(JSON.stringify(completion));
const frame = (delta: object, reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
const answerStream = (body: string) => (response: ServerResponse) =>
  response.writeHead(200, { "content-type": "text/event-stream" }).end(body);

describe("the settings of a provider in sluice.yaml", () => {
  it("send the limit of tokens as given, or under the configured name", async () => {
    const { url, received } = await serve(answerJson);
    const given = { ...request, maxTokens: 5, extra: { max_completion_tokens: 5 } };
    await openChat(url).generate({ ...request, maxTokens: 5 }, call);
    await openChat(url).generate(given, call);
    await openChat(url, { maxTokensField: "max_tokens" }).generate(given, call);
    await openChat(url, { maxTokensField: "max_completion_tokens" }).generate({ ...request, maxTokens: 5 }, call);
    const sent = received.map(({ body: { max_tokens, max_completion_tokens } }) => ({
      max_tokens,
      max_completion_tokens,
    }));
    expect(sent).toEqual([
      { max_tokens: 5 },
      { max_completion_tokens: 5 },
      { max_tokens: 5 },
      { max_completion_tokens: 5 },
    ]);
  });

  it("add headers and a query, and send the key in another header", async () => {
    const { url, received } = await serve(answerJson);
    await openChat(url, { headers: { "x-team": "a" }, query: { tag: "b c" }, authHeader: "X-Key" }).generate(
      request,
      call,
    );
    expect(received[0]).toMatchObject({
      url: "/v1/chat/completions?tag=b+c",
      headers: { "x-team": "a", "x-key": "secret" },
    });
    expect(received[0]?.headers.authorization).toBeUndefined();
  });

  it("return reasoning in the configured field", async () => {
    const { url, received } = await serve(answerJson);
    const messages = [
      { role: "assistant" as const, content: "a", reasoning: "because" },
      { role: "user" as const, content: "b" },
    ];
    await openChat(url, { reasoningField: "reasoning" }).generate({ messages }, call);
    await openChat(url).generate({ messages }, call);
    expect(received.map(({ body }) => (body.messages as object[])[0])).toEqual([
      { role: "assistant", content: "a", reasoning: "because" },
      { role: "assistant", content: "a" },
    ]);
  });

  const text = frame({ content: "hello" });
  const stop = frame({}, "stop");
  it.each([
    ["a missing [DONE]", "finish-reason", text + stop],
    ["a missing finish reason", "done", `${text}data: [DONE]\n\n`],
    ["neither", "end-of-body", text],
  ] as const)("accept a stream with %s", async (_, endOfStream, body) => {
    const { url } = await serve(answerStream(body));
    await expect(stream(openChat(url))).rejects.toMatchObject({ kind: "bad-response" });
    expect((await stream(openChat(url, { endOfStream }))).text).toBe("hello");
  });

  it("never take an empty body for the end of an answer", async () => {
    const { url } = await serve(answerStream(": nothing\n\n"));
    await expect(stream(openChat(url, { endOfStream: "end-of-body" }))).rejects.toMatchObject({ kind: "bad-response" });
  });

  it("limit the time until the first byte, between events, and in total", async () => {
    const silent = await serve(() => undefined);
    const stalled = await serve((response) =>
      response.writeHead(200, { "content-type": "text/event-stream" }).write(text),
    );
    await expect(openChat(silent.url, { timeouts: { firstByteMs: 50 } }).generate(request, call)).rejects.toMatchObject(
      {
        kind: "timeout",
      },
    );
    await expect(stream(openChat(stalled.url, { timeouts: { idleMs: 50 } }))).rejects.toMatchObject({
      code: "IDLE_TIMEOUT",
    });
    await expect(stream(openChat(stalled.url, { timeouts: { totalMs: 80 } }))).rejects.toMatchObject({
      code: "TOTAL_TIMEOUT",
    });
  });
});

describe("a server that answers in the other form", () => {
  it("is read without a second call", async () => {
    const whole = await serve((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(completion)),
    );
    const disguised = await serve(answerStream(JSON.stringify(completion)));
    const streamed = await serve(
      answerStream(`: hi\n\n${frame({ content: "hello" })}${frame({}, "stop")}data: [DONE]\n\n`),
    );
    const cut = await serve(answerStream(frame({ content: "hello" })));
    expect((await stream(openChat(whole.url))).text).toBe("hello");
    expect((await stream(openChat(disguised.url))).text).toBe("hello");
    expect((await openChat(streamed.url).generate(request, call)).text).toBe("hello");
    await expect(openChat(cut.url).generate(request, call)).rejects.toMatchObject({ kind: "bad-response" });
    expect([whole, disguised, streamed].map(({ received }) => received.length)).toEqual([1, 1, 1]);
  });
});

describe("Azure OpenAI", () => {
  it("uses the v1 path, or the path of the deployment with an API version", async () => {
    const { url, received } = await serve(answerJson);
    const resource = url.replace("/v1", "");
    const settings = { profile: "azure-openai" } as const;
    await openChat(resource, settings, "gpt-4o").generate({ ...request, maxTokens: 5 }, call);
    await openChat(resource, { ...settings, apiVersion: "2024-10-21" }, "gpt-4o").generate(request, call);
    expect(received).toMatchObject([
      { url: "/openai/v1/chat/completions", headers: { "api-key": "secret" }, body: { max_completion_tokens: 5 } },
      { url: "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", headers: { "api-key": "secret" } },
    ]);
    expect(received[0]?.headers.authorization).toBeUndefined();
  });
});

describe("streams upstream", () => {
  const streamed = `${frame({ role: "assistant", content: "hello" }) + frame({}, "stop")}data: [DONE]\n\n`;

  async function openBatchChat(always: boolean, answer: (response: ServerResponse, stream: boolean) => void) {
    const received: boolean[] = [];
    const server = createServer(async (incoming, response) => {
      const { stream: isStream = false } = JSON.parse(await text(incoming)) as { stream?: boolean };
      received.push(isStream);
      answer(response, isStream);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const transport = createTransport();
    const provider = createRegistry().createProvider("dashscope", { baseUrl, apiKey: "k" }, transport);
    cleanups.push(() => provider.close());
    const { chat } = streamWhereNeeded(provider, always);
    if (!chat) throw new Error("no chat");
    return { chat, received };
  }

  it("after a refusal that says so, and for all later calls of the model", async () => {
    const { chat, received } = await openBatchChat(false, (response, isStream) => {
      if (isStream) return answerStream(streamed)(response);
      const error = {
        code: "invalid_parameter_error",
        message: "This model only support stream mode, please enable it.",
      };
      response.writeHead(400).end(JSON.stringify({ error }));
    });
    const model = chat("qwen-plus");
    expect((await model.generate(request, call)).text).toBe("hello");
    expect((await model.generate(request, call)).text).toBe("hello");
    expect(received).toEqual([false, true, true]);
  });

  it("for models that are known to need it, and where it is configured", async () => {
    const { chat, received } = await openBatchChat(false, answerStream(streamed));
    expect((await chat("qwq-plus").generate(request, call)).text).toBe("hello");
    expect((await chat("qwen3-235b-a22b-thinking-2507").generate(request, call)).text).toBe("hello");
    const configured = await openBatchChat(true, answerStream(streamed));
    expect((await configured.chat("qwen-plus").generate(request, call)).text).toBe("hello");
    expect([...received, ...configured.received]).toEqual([true, true, true]);
  });

  it("not after other refusals", async () => {
    const { chat, received } = await openBatchChat(false, (response) =>
      response.writeHead(400).end(JSON.stringify({ error: { code: "x", message: "temperature is too high" } })),
    );
    const model = chat("qwen-plus");
    await expect(model.generate(request, call)).rejects.toMatchObject({ kind: "invalid-request" });
    await expect(model.generate(request, call)).rejects.toMatchObject({ kind: "invalid-request" });
    expect(received).toEqual([false, false]);
  });
});

it("embeddings send further fields, and shortened vectors are normalized again", async () => {
  const answer = { data: [{ index: 0, embedding: [3, 4] }], usage: { prompt_tokens: 1, total_tokens: 1 } };
  const { url, received } = await serve((response) => response.end(JSON.stringify(answer)));
  const models = [{ name: "e", kind: "embedding" as const, dimensions: 4, dimensionChoices: "up-to" as const }];
  const registry = createRegistry({ definedProviders: [{ name: "gw", baseUrl: url, models }] });
  const provider = registry.createProvider("gw", { baseUrl: url, apiKey: "" }, createTransport());
  cleanups.push(() => provider.close());
  const request = { inputs: ["x"], dimensions: 2, options: { input_type: "query", truncate: "END" } };
  const response = await provider.embedding?.("e").embed(request, call);
  expect([...(response?.vectors ?? [])].map((value) => value.toFixed(3))).toEqual(["0.600", "0.800"]);
  expect(received[0]?.body).toMatchObject({ input: ["x"], dimensions: 2, input_type: "query", truncate: "END" });
});
