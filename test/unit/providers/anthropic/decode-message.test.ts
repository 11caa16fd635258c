import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { createAnthropicCodec } from "#src/providers/anthropic/anthropic-provider.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse } from "#src/providers/provider.ts";

const codec = createAnthropicCodec({ name: "claude-sonnet-4-5" });
const head = { status: 200, headers: { "request-id": "req_1" } };

function decode(body: unknown): ChatResponse {
  return codec.decode({ ...head, body: Buffer.from(JSON.stringify(body)) }, 0);
}

function stream(events: readonly JsonObject[]): { response: ChatResponse; events: ChatEvent[] } {
  const reducer = codec.reducer(head, 0);
  let state = reducer.initial;
  const seen: ChatEvent[] = [];
  for (const event of events) {
    const step = reducer.reduce(state, { name: String(event.type), data: JSON.stringify(event) });
    state = step.state;
    seen.push(...step.events);
  }
  return { response: reducer.finish(state), events: seen };
}

function write(response: ChatResponse) {
  return writeChatCompletion(response, { id: "chatcmpl-1", created: 1, model: "m" }) as Record<string, unknown> & {
    choices: [{ message: Record<string, unknown> }];
  };
}

const USAGE = {
  input_tokens: 10,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 30,
  output_tokens: 5,
  output_tokens_details: { thinking_tokens: 2 },
};
const message = (content: unknown, stop_reason: unknown = "end_turn", more: object = {}) => ({
  ...{ id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5-20250929" },
  ...{ content, stop_reason, stop_sequence: null, usage: USAGE, ...more },
});
const THINKING = { type: "thinking", thinking: "hm", signature: "SIG" };
const TEXT = { type: "text", text: "Hi", citations: null };
const TOOL_USE = { type: "tool_use", id: "toolu_1", name: "f", input: { x: 1 }, caller: { type: "direct" } };

/** The events that stream a message, with the strings of a block in the given pieces. */
function toEvents(body: ReturnType<typeof message>, split: (text: string) => readonly string[]): JsonObject[] {
  const blocks = body.content as readonly Record<string, unknown>[];
  const deltas = ({ type, ...block }: Record<string, unknown>): JsonObject[] => {
    if (type === "text") return split(String(block.text)).map((text) => ({ type: "text_delta", text }));
    if (type === "tool_use")
      return split(JSON.stringify(block.input)).map((partial_json) => ({ type: "input_json_delta", partial_json }));
    return [
      ...split(String(block.thinking)).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: block.signature },
    ];
  };
  const empty = { text: "", thinking: "", signature: "", input: {} };
  return [
    {
      type: "message_start",
      message: { ...body, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } },
    },
    ...blocks.flatMap((block, index): JsonObject[] => [
      { type: "content_block_start", index, content_block: { ...block, ...pickOwn(empty, block) } },
      { type: "ping" },
      ...deltas(block).map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason: body.stop_reason }, usage: { output_tokens: USAGE.output_tokens } },
    { type: "message_stop" },
  ];
}

const pickOwn = (defaults: object, block: object) =>
  Object.fromEntries(Object.entries(defaults).filter(([name]) => name in block));

describe("a message", () => {
  it("becomes an answer in OpenAI's form with everything that was sent", () => {
    const response = decode(message([THINKING, TEXT, TOOL_USE], "tool_use", { container: { id: "c" } }));
    expect(response).toMatchObject({
      text: "Hi",
      reasoning: "hm",
      finishReason: { unified: "tool-calls", raw: "tool_use" },
      usage: { inputTokens: 60, outputTokens: 5, totalTokens: 65, cachedTokens: 30, reasoningTokens: 2 },
      model: "claude-sonnet-4-5-20250929",
      requestId: "req_1",
    });
    expect(write(response)).toMatchObject({
      choices: [
        {
          finish_reason: "tool_calls",
          message: {
            content: "Hi",
            reasoning_content: "hm",
            reasoning_details: [
              { type: "reasoning.text", text: "hm", signature: "SIG", format: "anthropic-claude-v1" },
            ],
            tool_calls: [
              {
                id: "toolu_1",
                type: "function",
                function: { name: "f", arguments: '{"x":1}' },
                caller: { type: "direct" },
              },
            ],
          },
        },
      ],
      usage: {
        prompt_tokens: 60,
        prompt_tokens_details: { cached_tokens: 30 },
        completion_tokens_details: { reasoning_tokens: 2 },
        cache_creation_input_tokens: 20,
      },
      container: { id: "c" },
    });
  });

  it.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "content_filter"],
    ["pause_turn", "pause_turn"],
  ])("maps the stop reason %s to %s", (reason, written) => {
    expect(write(decode(message([TEXT], reason))).choices[0]).toMatchObject({ finish_reason: written });
  });

  it("is a refusal with its explanation", () => {
    const stop_details = { type: "refusal", category: "bio", explanation: "no, not this" };
    const response = decode(message([], "refusal", { stop_details }));
    expect(response).toMatchObject({ text: "", refusal: "no, not this", finishReason: { unified: "content-filter" } });
    expect(write(response).choices[0]).toMatchObject({ stop_details });
  });

  it("keeps the blocks of server tools and citations in their order", () => {
    const blocks = [
      { type: "server_tool_use", id: "s", name: "web_search", input: { query: "q" } },
      { type: "web_search_tool_result", tool_use_id: "s", content: [] },
      { type: "text", text: "cited", citations: [{ type: "web_search_result_location" }] },
    ];
    expect(write(decode(message(blocks))).choices[0].message.content).toEqual(blocks);
  });

  it("without content is an answer only if it has no tokens that are missing", () => {
    expect(decode(message([], "end_turn", { usage: { input_tokens: 1, output_tokens: 2 } })).text).toBe("");
    expect(() => decode(message([], "end_turn"))).toThrow(ProviderError);
    expect(decode(message([THINKING], "max_tokens"))).toMatchObject({ text: "", finishReason: { unified: "length" } });
  });
});

describe("a stream", () => {
  it("gives the same answer as the complete message, however it is split", () => {
    const blocks = fc.array(
      fc.oneof(
        fc.string({ minLength: 1 }).map((text) => ({ ...TEXT, text })),
        fc.string({ minLength: 1 }).map((thinking) => ({ ...THINKING, thinking })),
        fc.dictionary(fc.string(), fc.string()).map((input) => ({ ...TOOL_USE, input })),
      ),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(blocks, fc.integer({ min: 1, max: 9 }), (content, size) => {
        const body = message(content, "tool_use");
        if (content.every(({ type }) => type !== "tool_use")) body.stop_reason = "end_turn";
        const split = (text: string) => text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
        const { response, events } = stream(toEvents(body, split));
        expect(response).toEqual(decode(body));
        const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
        expect(text).toBe(response.text);
        for (const [index, call] of (response.toolCalls ?? []).entries()) {
          const pieces = events.filter((event) => event.type === "tool-call-delta" && event.index === index);
          expect(pieces.map((piece) => ("arguments" in piece ? piece.arguments : "")).join("")).toBe(call.arguments);
        }
      }),
    );
  });

  it("reports the arguments of a call that came whole", () => {
    const { response, events } = stream(toEvents(message([TOOL_USE], "tool_use"), () => []));
    expect(response.toolCalls).toMatchObject([{ arguments: "{}" }]);
    expect(events.at(-1)).toEqual({ type: "tool-call-delta", index: 0, arguments: "{}" });
  });

  it("keeps the arguments of a call that a limit cut", () => {
    const events = toEvents(message([TOOL_USE], "max_tokens"), () => ['{"x"']);
    expect(stream(events).response).toMatchObject({
      toolCalls: [{ arguments: '{"x"' }],
      finishReason: { unified: "length" },
    });
  });

  it("fails with the error that interrupts it", () => {
    const events = toEvents(message([TEXT]), (text) => [text]);
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_2" };
    const run = () => stream([...events.slice(0, 4), error]);
    expect(run).toThrow(expect.objectContaining({ kind: "overloaded", providerMessage: "Overloaded" }));
  });

  it("without one of its events is no success", () => {
    const events = toEvents(message([THINKING, TEXT, TOOL_USE], "tool_use"), (text) => [text]);
    for (const [index, { type }] of events.entries()) {
      if (type === "ping" || type === "content_block_delta") continue;
      expect(() => stream(events.toSpliced(index, 1))).toThrow(ProviderError);
    }
  });
});

it("no JSON body, whatever its shape, is an empty success", () => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  const part = (value: unknown) => fc.oneof(fc.constant(value), anything);
  const bodies = fc.record(
    {
      type: part("message"),
      content: fc.oneof(anything, fc.array(fc.oneof(anything, fc.record({ type: part("text"), text: anything })))),
      stop_reason: part("end_turn"),
      usage: part(USAGE),
      error: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(anything, bodies), (body) => {
      let response: ChatResponse;
      try {
        response = decode(body);
      } catch (error) {
        expect(error).toBeInstanceOf(ProviderError);
        return;
      }
      const { text, reasoning, toolCalls, refusal, extra, finishReason, usage } = response;
      const isCut = finishReason.unified === "length" || finishReason.unified === "content-filter";
      const hasAnswer = text !== "" || (reasoning ?? toolCalls ?? refusal ?? extra?.message) !== undefined;
      expect(hasAnswer || isCut || (usage.outputTokens ?? 9) <= 4).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it("unknown fields of a body survive", () => {
  const name = fc.string({ minLength: 1 }).map((text) => `x_${text}`);
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean())), (fields) => {
      const body = message([{ ...TEXT, ...fields }], "end_turn", fields);
      const written = write(decode(body));
      expect(written).toMatchObject(fields);
      if (Object.keys(fields).length > 0)
        expect(written.choices[0].message.content).toEqual([expect.objectContaining(fields)]);
    }),
  );
});
