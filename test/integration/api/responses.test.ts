import OpenAI from "openai";
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

const model = "openai/gpt-4o-mini";
const TOOLS: OpenAI.Responses.FunctionTool[] = [
  {
    type: "function",
    name: "weather",
    strict: false,
    parameters: { type: "object", properties: { text: { type: "string" } } },
  },
];

describe("OpenAI's own client", () => {
  it.each([model, "zhipu/glm-4-plus", "anthropic/claude-sonnet-4-6"])(
    "gets the same response of %s with and without streaming",
    async (name) => {
      const request = { model: name, input: "12 + 30", max_output_tokens: 200 };
      const whole = await client.responses.create(request);
      expect(whole).toMatchObject({ object: "response", status: "completed", error: null, tools: [] });
      expect(whole.output_text).toBeTruthy();
      expect(whole.usage?.total_tokens).toBeGreaterThan(0);
      const types: string[] = [];
      const stream = client.responses.stream(request).on("event", ({ type }) => types.push(type));
      const streamed = await stream.finalResponse();
      expect(streamed.output_text).toBe(whole.output_text);
      expect(types.slice(0, 4)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
      ]);
      expect(types.slice(-4)).toEqual([
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
      ]);
    },
  );

  it("calls functions, streamed or not, and sends their results", async () => {
    const request = {
      model,
      input: "12 + 30",
      tools: TOOLS,
      tool_choice: { type: "function", name: "weather" },
    } as const;
    const whole = await client.responses.create(request);
    const call = whole.output.find((item) => item.type === "function_call");
    expect(call).toMatchObject({ name: "weather", status: "completed" });
    const streamed = await client.responses.stream(request).finalResponse();
    expect(streamed.output.find((item) => item.type === "function_call")).toMatchObject({ arguments: call?.arguments });
    const answered = await client.responses.create({
      model,
      tools: TOOLS,
      previous_response_id: whole.id,
      input: [{ type: "function_call_output", call_id: call?.call_id ?? "", output: "42" }],
    });
    expect(answered.output_text).toBeTruthy();
  });

  it("continues a conversation, and reads and deletes its turns", async () => {
    const first = await client.responses.create({ model, input: "first question", instructions: "Be brief." });
    const second = await client.responses.create({ model, input: "second", previous_response_id: first.id });
    expect(second.previous_response_id).toBe(first.id);
    expect(await client.responses.retrieve(second.id)).toMatchObject({ output_text: second.output_text });
    const items = await client.responses.inputItems.list(first.id);
    expect(items.data).toMatchObject([{ role: "user", content: [{ type: "input_text", text: "first question" }] }]);
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    const broken = client.responses.create({ model, input: "x", previous_response_id: first.id });
    await expect(broken).rejects.toMatchObject({ status: 404, param: "previous_response_id" });
  });

  it("answers in the background, and its events are read later from any of them on", async () => {
    const release = api.simulator.hold();
    const queued = await client.responses.create({ model, input: "one two three four", background: true });
    expect(queued.status).toBe("queued");
    release();
    const done = await waitFor(
      async () => {
        const response = await client.responses.retrieve(queued.id);
        return response.status === "completed" ? response : undefined;
      },
      { what: "the response" },
    );
    expect(done.output_text).toContain("four");
    const read = async (after?: number) => {
      const events: OpenAI.Responses.ResponseStreamEvent[] = [];
      const stream = await client.responses.retrieve(queued.id, { stream: true, starting_after: after });
      for await (const event of stream) events.push(event);
      return events;
    };
    const all = await read();
    expect(all.map(({ sequence_number }) => sequence_number)).toEqual(all.map((_, i) => i));
    for (const at of all.keys()) expect(await read(at)).toEqual(all.slice(at + 1));
  });

  it("cancels what is in the background, and nothing else", async () => {
    const release = api.simulator.hold();
    const queued = await client.responses.create({ model, input: "never mind", background: true });
    expect(await client.responses.cancel(queued.id)).toMatchObject({ status: "cancelled" });
    release();
    const other = await client.responses.create({ model, input: "x" });
    await expect(client.responses.cancel(other.id)).rejects.toMatchObject({ status: 400 });
  });

  it("a response that is not stored cannot be read", async () => {
    const { id } = await client.responses.create({ model, input: "x", store: false });
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it("what has no counterpart is refused by name", async () => {
    const request = { model, input: "x", tools: [{ type: "web_search" }] as OpenAI.Responses.Tool[] };
    await expect(client.responses.create(request)).rejects.toMatchObject({ status: 400, param: "tools[0]" });
  });
});
