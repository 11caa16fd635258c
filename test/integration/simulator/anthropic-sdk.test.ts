import Anthropic from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SIMULATOR_API_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterEach(() => simulator.configure({ faults: [], limits: { requestsPerWindow: null } }));
afterAll(() => simulator.close());

const open = (apiKey = SIMULATOR_API_KEY) => new Anthropic({ apiKey, baseURL: simulator.anthropicUrl, maxRetries: 0 });

const ASK = {
  model: "claude-sonnet-4-6",
  max_tokens: 200,
  messages: [{ role: "user", content: "12 + 30" }],
} satisfies Anthropic.MessageCreateParamsNonStreaming;
const TOOLS: Anthropic.Tool[] = [
  { name: "weather", input_schema: { type: "object", properties: { text: { type: "string" } } } },
];

describe("Anthropic's own client", () => {
  it("gets the same message with and without streaming", async () => {
    const whole = await open().messages.create(ASK);
    expect(whole).toMatchObject({
      type: "message",
      content: [{ type: "text", text: "12 + 30 = 42\n#### 42" }],
      stop_reason: "end_turn",
      _request_id: expect.stringMatching(/^req_/),
    });
    const deltas: string[] = [];
    const stream = open()
      .messages.stream(ASK)
      .on("text", (delta) => deltas.push(delta));
    const streamed = await stream.finalMessage();
    expect(deltas.length).toBeGreaterThan(2);
    expect(deltas.join("")).toBe("12 + 30 = 42\n#### 42");
    expect(streamed).toMatchObject({ content: whole.content, stop_reason: "end_turn", usage: whole.usage });
  });

  it("goes through a conversation with a tool and thinking", async () => {
    const first = { ...ASK, tools: TOOLS, tool_choice: { type: "tool", name: "weather" } } as const;
    const called = await open().messages.stream(first).finalMessage();
    const [use] = called.content;
    if (use?.type !== "tool_use") throw new Error("no call");
    expect(use.input).toEqual({ text: "12 + 30" });
    const result = { type: "tool_result", tool_use_id: use.id, content: "1 + 1" } as const;
    const messages: Anthropic.MessageParam[] = [
      ...ASK.messages,
      { role: "assistant", content: called.content },
      { role: "user", content: [result] },
    ];
    const thought = await open().messages.create({ ...ASK, tools: TOOLS, messages, thinking: { type: "adaptive" } });
    expect(thought.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    const next: Anthropic.MessageParam[] = [
      ...messages,
      { role: "assistant", content: thought.content },
      { role: "user", content: "thanks" },
    ];
    await open().messages.create({ ...ASK, tools: TOOLS, messages: next });
    const [thinking] = thought.content;
    const forged: Anthropic.MessageParam[] = [
      ...messages,
      { role: "assistant", content: [{ ...thinking, signature: "x" } as Anthropic.ThinkingBlockParam] },
      { role: "user", content: "thanks" },
    ];
    const refused = open().messages.create({ ...ASK, tools: TOOLS, messages: forged });
    await expect(refused).rejects.toThrow(/Invalid `signature`/);
  });

  it("gets structured output and the counts of the prompt cache", async () => {
    const schema = { type: "object", properties: { answer: { type: "string" } }, additionalProperties: false };
    const system: Anthropic.TextBlockParam[] = [
      { type: "text", text: "A long prompt. ".repeat(50), cache_control: { type: "ephemeral" } },
    ];
    const ask = { ...ASK, system, output_config: { format: { type: "json_schema", schema } } } as const;
    const first = await open().messages.create(ask);
    expect(first.content).toMatchObject([{ type: "text", text: '{"answer":"12 + 30"}' }]);
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(100);
    const second = await open().messages.create(ask);
    expect(second.usage).toMatchObject({
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: first.usage.cache_creation_input_tokens,
    });
  });

  it("gets the errors of its statuses", async () => {
    await expect(open("wrong").messages.create(ASK)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    await expect(open().messages.create({ ...ASK, model: "gpt-4o" })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    simulator.configure({ faults: [{ action: { type: "code", code: 529 } }] });
    await expect(open().messages.create(ASK)).rejects.toMatchObject({ status: 529, type: "overloaded_error" });
    simulator.configure({ faults: [{ action: { type: "chat", defect: "error-inside" } }] });
    await expect(open().messages.stream(ASK).finalMessage()).rejects.toMatchObject({ type: "overloaded_error" });
    simulator.configure({ faults: [], limits: { requestsPerWindow: 1 } });
    await expect(Promise.all([open().messages.create(ASK), open().messages.create(ASK)])).rejects.toMatchObject({
      status: 429,
      type: "rate_limit_error",
    });
  });

  it.each<[string, object, RegExp]>([
    ["an unknown field", { seed: 1 }, /Unrecognized key|Extra inputs/],
    ["sampling with the new version", { temperature: 1 }, /temperature: Extra inputs are not permitted/],
    ["an empty text", { messages: [{ role: "user", content: [{ type: "text", text: " " }] }] }, /non-whitespace/],
    ["a first message of the assistant", { messages: [{ role: "assistant", content: "x" }] }, /first message/],
    ["prefill", { messages: [...ASK.messages, { role: "assistant", content: "x" }] }, /prefill/],
    [
      "a result without its call",
      { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "x", content: "" }] }] },
      /unexpected `tool_use_id`/,
    ],
    ["a budget above max_tokens", { thinking: { type: "enabled", budget_tokens: 2000 } }, /greater than/],
    ["tool_choice without tools", { tool_choice: { type: "any" } }, /while providing tools/],
  ])("is refused with %s", async (_, more, message) => {
    await expect(open().messages.create({ ...ASK, ...more })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(message),
    });
  });
});
