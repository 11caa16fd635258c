import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";
import { waitFor } from "#test/support/wait-for.ts";

let api: TestApi;
let client: Anthropic;
beforeAll(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
  client = new Anthropic({ baseURL: api.baseUrl.replace(/\/v1$/, ""), apiKey: "any", maxRetries: 0 });
});
afterAll(() => api[Symbol.asyncDispose]());

const MODELS = ["anthropic/claude-sonnet-4-6", "openai/gpt-4o-mini", "zhipu/glm-4-plus", "minimax/MiniMax-M2"];
const TOOLS: Anthropic.Tool[] = [
  { name: "weather", input_schema: { type: "object", properties: { text: { type: "string" } } } },
];
const ask = (content: string, model = MODELS[0] ?? "") =>
  ({ model, max_tokens: 200, messages: [{ role: "user", content }] }) satisfies Anthropic.MessageCreateParams;

describe.each(MODELS)("Anthropic's own client with %s", (model) => {
  it("gets the same message with and without streaming", async () => {
    const whole = await client.messages.create(ask("12 + 30", model));
    expect(whole).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
    expect(whole.usage.output_tokens).toBeGreaterThan(0);
    const deltas: string[] = [];
    const stream = client.messages.stream(ask("12 + 30", model)).on("text", (delta) => deltas.push(delta));
    const streamed = await stream.finalMessage();
    const text = whole.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
    expect(text).toBeTruthy();
    expect(deltas.join("")).toBe(text);
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
    expect(streamed.stop_reason).toBe(whole.stop_reason);
  });
});

describe.each(MODELS.slice(0, 2))("tools with %s", (model) => {
  it("are called, streamed or not, and their results are sent", async () => {
    const first = { ...ask("12 + 30", model), tools: TOOLS, tool_choice: { type: "tool", name: "weather" } } as const;
    const whole = await client.messages.create(first);
    const streamed = await client.messages.stream(first).finalMessage();
    for (const { content, stop_reason } of [whole, streamed]) {
      const call = content.find(({ type }) => type === "tool_use");
      expect(call).toMatchObject({ name: "weather", input: expect.any(Object), id: expect.any(String) });
      expect(stop_reason).toBe("tool_use");
    }
    const use = whole.content.find((block) => block.type === "tool_use");
    const answered = await client.messages.create({
      ...ask("", model),
      tools: TOOLS,
      messages: [
        ...first.messages,
        { role: "assistant", content: whole.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: use?.id ?? "", content: "42" }] },
      ],
    });
    expect(answered.content.some(({ type }) => type === "text")).toBe(true);
  });
});

it("thinking goes back with its signature, streamed or not", async () => {
  const thinking = { ...ask("12 + 30"), thinking: { type: "adaptive" } } as const;
  for (const message of [
    await client.messages.create(thinking),
    await client.messages.stream(thinking).finalMessage(),
  ]) {
    expect(message.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(message.content[0]).toMatchObject({ signature: expect.stringMatching(/./) });
    const next = await client.messages.create({
      ...ask(""),
      messages: [
        ...thinking.messages,
        { role: "assistant", content: message.content },
        { role: "user", content: "thanks" },
      ],
    });
    expect(next.content).not.toEqual([]);
  }
});

it("hints for Anthropic's cache do not reach other providers", async () => {
  const system = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }] as const;
  const message = await client.messages.create({ ...ask("hi", MODELS[1]), system: [...system] });
  expect(message.content[0]).toMatchObject({ type: "text" });
});

it("tokens are counted", async () => {
  const { input_tokens } = await client.messages.countTokens({
    model: MODELS[0] ?? "",
    messages: ask("hello").messages,
  });
  expect(input_tokens).toBeGreaterThan(0);
});

describe("errors have Anthropic's format", () => {
  it("for an unknown model", async () => {
    const error = await client.messages.create(ask("hi", "nobody/nothing")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error).toMatchObject({ type: "not_found_error", requestID: expect.stringMatching(/^req_/) });
  });

  it("for an invalid body", async () => {
    const { max_tokens: _, ...incomplete } = ask("hi");
    const error = await client.messages.create(incomplete as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error).toMatchObject({ type: "invalid_request_error", message: expect.stringContaining("max_tokens") });
  });

  it("for a stream that breaks off", async () => {
    api.simulator.configure({ faults: [{ action: { type: "status", status: 400 }, text: "refuse me" }] });
    const stream = client.messages.stream(ask("refuse me", MODELS[1])).finalMessage();
    await expect(stream).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    api.simulator.configure({ faults: [] });
  });
});

describe("a batch of messages", () => {
  it("ends with a result for each request, in their order", async () => {
    const custom = (n: number) => `m-${n}`;
    const requests = MODELS.slice(0, 3).map((model, n) => ({
      custom_id: custom(n),
      params: ask(`question ${n}`, model),
    }));
    const created = await client.messages.batches.create({ requests });
    expect(created).toMatchObject({ type: "message_batch", processing_status: "in_progress", results_url: null });
    const ended = await waitFor(
      async () => {
        const batch = await client.messages.batches.retrieve(created.id);
        return batch.processing_status === "ended" ? batch : undefined;
      },
      { what: "the end of the batch" },
    );
    expect(ended.request_counts).toEqual({ processing: 0, succeeded: 3, errored: 0, canceled: 0, expired: 0 });
    const results: Anthropic.Messages.MessageBatchIndividualResponse[] = [];
    for await (const result of await client.messages.batches.results(created.id)) results.push(result);
    expect(results.map(({ custom_id }) => custom_id)).toEqual(requests.map(({ custom_id }) => custom_id));
    for (const { result } of results) {
      if (result.type !== "succeeded") throw new Error(`the result is ${result.type}`);
      expect(result.message).toMatchObject({ type: "message", stop_reason: "end_turn" });
      expect(result.message.content[0]).toMatchObject({ type: "text" });
    }
    const listed: string[] = [];
    for await (const { id } of client.messages.batches.list()) listed.push(id);
    expect(listed).toEqual([created.id]);
    await client.messages.batches.delete(created.id);
    await expect(client.messages.batches.retrieve(created.id)).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  it("is refused if a request cannot be translated, or two have the same id", async () => {
    const unknown = { custom_id: "a", params: ask("x", "nobody/nothing") };
    const refused = client.messages.batches.create({ requests: [unknown] });
    await expect(refused).rejects.toMatchObject({ status: 400, message: expect.stringContaining("requests.0") });
    const valid = { custom_id: "a", params: ask("x") };
    const twice = client.messages.batches.create({ requests: [valid, valid] });
    await expect(twice).rejects.toMatchObject({ status: 400, message: expect.stringContaining("custom_id") });
  });
});
