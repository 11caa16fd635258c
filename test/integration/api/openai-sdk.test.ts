import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";
import { waitFor } from "#test/support/wait-for.ts";

let api: TestApi;
let client: OpenAI;
beforeAll(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
  client = new OpenAI({ baseURL: api.baseUrl, apiKey: "any", maxRetries: 0 });
});
afterAll(() => api[Symbol.asyncDispose]());

const ask = (content: string, model = "openai/gpt-4o-mini") => ({
  model,
  messages: [{ role: "user" as const, content }],
});
const TOOLS = [
  {
    type: "function" as const,
    function: { name: "weather", parameters: { type: "object", properties: { text: { type: "string" } } } },
  },
];

describe("OpenAI's own client", () => {
  it.each(["openai/gpt-4o-mini", "zhipu/glm-4-plus", "anthropic/claude-sonnet-4-6", "minimax/MiniMax-M2"])(
    "gets the same answer from %s with and without streaming",
    async (model) => {
      const whole = await client.chat.completions.create({ ...ask("12 + 30", model), max_tokens: 200 });
      const text = whole.choices[0]?.message.content;
      expect(text).toBeTruthy();
      expect(whole).toMatchObject({ object: "chat.completion", usage: { total_tokens: expect.any(Number) } });
      expect(whole._request_id).toMatch(/^req_/);
      const stream = client.chat.completions.stream({
        ...ask("12 + 30", model),
        max_tokens: 200,
        stream_options: { include_usage: true },
      });
      const streamed = await stream.finalChatCompletion();
      expect(streamed.choices[0]?.message.content).toBe(text);
      expect(streamed.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason);
      expect(streamed.usage).toEqual(whole.usage);
    },
  );

  it("sends the deltas while the answer is generated", async () => {
    api.simulator.configure({ deltaMs: 1 });
    const release = api.simulator.holdStreams(2);
    const stream = await client.chat.completions.create({ ...ask("one two three four"), stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    let text = "";
    while (text === "") text += (await chunks.next()).value?.choices[0]?.delta.content ?? "";
    release();
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe((await client.chat.completions.create(ask("one two three four"))).choices[0]?.message.content);
  });

  it("calls tools, streamed or not, and sends their results", async () => {
    const request = {
      ...ask("12 + 30"),
      tools: TOOLS,
      tool_choice: { type: "function" as const, function: { name: "weather" } },
    };
    const whole = await client.chat.completions.create(request);
    const [call] = whole.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    const [streamedCall] = streamed.choices[0]?.message.tool_calls ?? [];
    expect(streamedCall).toMatchObject({ type: "function", function: call?.type === "function" ? call.function : {} });
    const answered = await client.chat.completions.create({
      model: request.model,
      messages: [
        ...request.messages,
        { role: "assistant", content: null, tool_calls: whole.choices[0]?.message.tool_calls },
        { role: "tool", tool_call_id: call?.id ?? "", content: "42" },
      ],
      tools: TOOLS,
    });
    expect(answered.choices[0]?.message.content).toBeTruthy();
  });

  it("sends an image, whose bytes are not taken for text", async () => {
    const url = `data:image/png;base64,${"A".repeat(2_000_000)}`;
    const content = [
      { type: "text" as const, text: "what is this?" },
      { type: "image_url" as const, image_url: { url } },
    ];
    const { choices } = await client.chat.completions.create({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content }],
    });
    expect(choices[0]?.message.content).toBeTruthy();
  });

  it("gets several answers", async () => {
    const whole = await client.chat.completions.create({ ...ask("hello", "zhipu/glm-4-plus"), n: 3 });
    expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    const stream = await client.chat.completions.create({ ...ask("hello", "zhipu/glm-4-plus"), n: 3, stream: true });
    const texts = ["", "", ""];
    for await (const { choices } of stream) for (const { index, delta } of choices) texts[index] += delta.content ?? "";
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
  });

  it("gets vectors of one text, of several, and in base64, which it asks for by default", async () => {
    const input = ["a text", "another", "a third"];
    const binary = await client.embeddings.create({ model: "minimax/embo-01", input });
    const floats = await client.embeddings.create({ model: "minimax/embo-01", input, encoding_format: "float" });
    expect(binary.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(binary.data.map(({ embedding }) => embedding.length)).toEqual([1536, 1536, 1536]);
    const toSingle = ({ embedding }: { embedding: number[] }) => [...Float32Array.from(embedding)];
    expect(binary.data.map(toSingle)).toEqual(floats.data.map(toSingle));
    const one = await client.embeddings.create({ model: "minimax/embo-01", input: "a text" });
    expect(one.data[0]?.embedding).toEqual(binary.data[0]?.embedding);
    expect(one.usage.total_tokens).toBeGreaterThan(0);
  });

  it("lists models and describes one, by a name with a slash", async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toContain("zhipu/glm-4-plus");
    expect(await client.models.retrieve("zhipu/glm-4-plus")).toMatchObject({ id: "zhipu/glm-4-plus", object: "model" });
  });

  it("finds a model by its own name if one provider has it", async () => {
    const { choices } = await client.chat.completions.create(ask("hi", "glm-4-plus"));
    expect(choices[0]?.message.content).toBeTruthy();
  });
});

describe("errors that the client throws", () => {
  const failure = async (call: Promise<unknown>): Promise<APIError> => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof APIError)) throw new Error("no APIError");
    return error;
  };

  it("an unknown model is not found, and the message lists the available ones", async () => {
    const error = await failure(client.chat.completions.create(ask("hi", "nobody/nothing")));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(error.message).toContain("minimax/MiniMax-M2");
  });

  it("a model of another kind is a bad request", async () => {
    const error = await failure(client.chat.completions.create(ask("hi", "minimax/embo-01")));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code: "model_not_supported" });
  });

  it("what the provider would refuse is a bad request that names the parameter", async () => {
    const request = { ...ask("hi", "minimax/abab6.5s-chat"), temperature: 0 };
    const error = await failure(client.chat.completions.create(request));
    expect(error).toMatchObject({ status: 400, param: "temperature", message: expect.stringContaining("0") });
  });

  it("what does not fit into the context is refused with all three numbers, before any call", async () => {
    const before = api.simulator.statistics().calls;
    const request = { ...ask("word ".repeat(200_000), "zhipu/glm-4-plus"), max_tokens: 1_000 };
    const error = await failure(client.chat.completions.create(request));
    expect(error).toMatchObject({ status: 400, code: "context_length_exceeded", param: "messages" });
    expect(error.message).toMatch(/context of \d+ tokens.*about \d{6}: about \d{6} in the messages and 1000/);
    expect(api.simulator.statistics().calls).toBe(before);
  });

  it("what the provider refuses is a bad request, not a wrong key", async () => {
    api.simulator.configure({ faults: [{ action: { type: "status", status: 400 } }] });
    const error = await failure(client.chat.completions.create(ask("hi")));
    api.simulator.configure({ faults: [] });
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).not.toBeInstanceOf(AuthenticationError);
  });
});

it("says so if no worker takes the jobs, and cancels the item", async () => {
  await using alone = await TestApi.open({ worker: false });
  const response = await fetch(`${alone.baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ask("hi")),
  });
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("10");
  expect(await response.json()).toMatchObject({ error: { code: "no_worker" } });
});

it("the same request with the same idempotency key is called once, and another one is refused", async () => {
  const before = api.simulator.statistics().calls;
  const send = (content: string) =>
    client.chat.completions.create(ask(content), { headers: { "idempotency-key": "key-1" } });
  const [first, second] = await Promise.all([send("once"), send("once")]);
  expect(second.id).toBe(first.id);
  expect(api.simulator.statistics().calls - before).toBe(1);
  await expect(send("other")).rejects.toMatchObject({ status: 409, code: "idempotency_key_reused" });
});

it("work goes on when its reader has gone", async () => {
  const before = api.simulator.statistics().calls;
  const release = api.simulator.hold();
  const gone = new AbortController();
  const options = { headers: { "idempotency-key": "gone" } };
  const request = { ...ask("keep this"), stream: true as const };
  const reading = client.chat.completions.create(request, { ...options, signal: gone.signal });
  await waitFor(() => api.simulator.statistics().calls > before, { what: "the call" });
  gone.abort();
  await expect(reading).rejects.toThrow();
  release();
  let text = "";
  for await (const { choices } of await client.chat.completions.create(request, options))
    text += choices[0]?.delta.content ?? "";
  expect(text).toContain("keep this");
  expect(api.simulator.statistics().calls).toBe(before + 1);
});
