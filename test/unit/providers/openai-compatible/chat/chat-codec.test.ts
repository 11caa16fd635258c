import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import type { CompatibleProfile } from "#src/providers/openai-compatible/profile.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import type { ChatEvent, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import { SseDecoder, type SseEvent, SseSyntaxError } from "#src/providers/transport/sse.ts";

const PROFILE: CompatibleProfile = {
  name: "test",
  defaultBaseUrl: "https://x",
  envPrefix: "TEST",
  models: [],
};
const codec = createChatCodec(createCompatibleChatDialect(PROFILE, "m"));
const head = { status: 200, headers: {} };

function run(events: readonly SseEvent[]): { events: ChatEvent[]; response: ChatResponse } {
  const reducer = codec.reducer(head, 0);
  let state = reducer.initial;
  const seen: ChatEvent[] = [];
  for (const event of events) {
    const step = reducer.reduce(state, event);
    state = step.state;
    seen.push(...step.events);
    if (step.done) break;
  }
  return { events: seen, response: reducer.finish(state) };
}

function stream(frames: readonly unknown[], { done = true } = {}) {
  const texts = frames.map((frame) => (typeof frame === "string" ? frame : JSON.stringify(frame)));
  return run([...texts, ...(done ? ["[DONE]"] : [])].map((data) => ({ name: "", data })));
}

const delta = (fields: object, more: object = {}) => ({
  id: "c1",
  model: "m-1",
  choices: [{ index: 0, delta: fields, ...more }],
});
const stop = delta({}, { finish_reason: "stop" });

function failure(run: () => unknown): ProviderError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("encoding a chat request", () => {
  const request: ChatRequest = {
    messages: [
      { role: "system", content: "s" },
      { role: "user", content: [{ type: "text", text: "u" }], name: "ann" },
      {
        role: "assistant",
        content: null,
        toolCalls: [{ id: "1", name: "f", arguments: "{}" }],
        reasoning: "r",
      },
      { role: "tool", content: "42", toolCallId: "1" },
    ],
    maxTokens: 5,
    temperature: 0,
    topP: 0.5,
    stop: ["x"],
    seed: 7,
    user: "u1",
    tools: [{ type: "function" }],
    toolChoice: "auto",
    responseFormat: { type: "json_object" },
    extra: { top_k: 3, model: "other", messages: [], stream_options: { x: 1 } },
  };

  it("sends every field under its standard name, and forwards extra fields that do not override named ones", () => {
    expect(JSON.parse(codec.encode(request, true))).toEqual({
      top_k: 3,
      model: "m",
      messages: [
        { role: "system", content: "s" },
        { role: "user", content: [{ type: "text", text: "u" }], name: "ann" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", content: "42", tool_call_id: "1" },
      ],
      max_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      stop: ["x"],
      seed: 7,
      user: "u1",
      tools: [{ type: "function" }],
      tool_choice: "auto",
      response_format: { type: "json_object" },
      stream: true,
      stream_options: { x: 1, include_usage: true },
    });
    expect(JSON.parse(codec.encode(request, false))).not.toHaveProperty("stream_options");
  });

  it("supports vendor-specific fields", () => {
    const bodyOf = (name: string) => {
      const profile = COMPATIBLE_PROFILES.find((one) => one.name === name) ?? PROFILE;
      return JSON.parse(createChatCodec(createCompatibleChatDialect(profile, "m")).encode(request, false));
    };
    expect(bodyOf("openai")).toMatchObject({ max_completion_tokens: 5 });
    expect(bodyOf("openai")).not.toHaveProperty("max_tokens");
    expect(bodyOf("moonshot").messages[2]).toMatchObject({ reasoning_content: "r" });
    expect(bodyOf("openrouter").messages[2]).toMatchObject({ reasoning: "r" });
  });

  it("rejects empty messages, and n above 1, before any call", () => {
    expect(failure(() => codec.encode({ messages: [] }, false)).kind).toBe("invalid-request");
    expect(failure(() => codec.encode({ ...request, extra: { n: 2 } }, false)).message).toMatch(/n must be 1/);
  });
});

describe("decoding a non-streamed response", () => {
  const decode = (body: unknown, status = 200) =>
    codec.decode({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) }, 0);
  const answer = {
    id: "c1",
    model: "m-1",
    service_tier: "x",
    choices: [
      {
        index: 0,
        finish_reason: "tool_calls",
        logprobs: { content: [1] },
        message: {
          content: "hi",
          reasoning_content: "why",
          refusal: "no",
          tool_calls: [{ id: "1", function: { name: "f", arguments: { a: 1 } } }],
        },
      },
    ],
    usage: {
      prompt_tokens: 1,
      completion_tokens: 2,
      total_tokens: 3,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: -5 },
    },
  };

  it("returns all fields, unknown ones as extra", () => {
    expect(decode(answer)).toEqual({
      text: "hi",
      reasoning: "why",
      refusal: "no",
      toolCalls: [{ id: "1", name: "f", arguments: '{"a":1}' }],
      finishReason: { unified: "tool-calls", raw: "tool_calls" },
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, cachedTokens: 4 },
      model: "m-1",
      requestId: "c1",
      extra: { service_tier: "x", logprobs: { content: [1] } },
    });
  });

  it.each([
    ["null choices", { choices: null }, "bad-response"],
    ["no choices", {}, "bad-response"],
    ["empty choices", { choices: [] }, "bad-response"],
    ["an error object", { error: { message: "x", code: 429 } }, "throttled"],
    ["an error beside an answer", { ...answer, error: { code: "insufficient_quota" } }, "quota"],
    ["an error text", { error: "out of memory" }, "server"],
    ["a flat error", { code: 50505, message: "busy" }, "server"],
    [
      "a finish reason that is an error",
      { choices: [{ message: { content: "x" }, finish_reason: "error" }] },
      "server",
    ],
    ["a list", [], "bad-response"],
  ])("rejects a response with status 200 and %s", (_, body, kind) => {
    expect(failure(() => decode(body))).toMatchObject({ kind, provider: "test" });
  });

  it("returns a filtered answer with the finish reason content-filter", () => {
    const filtered = { choices: [{ message: { content: "" }, finish_reason: "content_filter" }] };
    expect(decode(filtered).finishReason).toEqual({ unified: "content-filter", raw: "content_filter" });
  });

  it("rejects every truncated body", () => {
    const text = JSON.stringify(answer);
    for (let length = 0; length < text.length; length++) {
      const body = Buffer.from(text.slice(0, length));
      expect(failure(() => codec.decode({ ...head, body }, 0)).kind).toBe("bad-response");
    }
  });
});

describe("reducing a stream", () => {
  it("yields deltas and ends with the complete response", () => {
    const { events, response } = stream([
      delta({ role: "assistant", reasoning_content: "\n" }, { finish_reason: null }),
      delta({ content: "He" }, { finish_reason: null }),
      delta({ content: "llo" }),
      { ...delta({ content: "" }, { finish_reason: "stop" }), usage: { prompt_tokens: 1 } },
      {
        choices: [],
        usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
        system_fingerprint: "f",
      },
    ]);
    expect(events).toEqual([
      { type: "reasoning-delta", text: "\n" },
      { type: "text-delta", text: "He" },
      { type: "text-delta", text: "llo" },
    ]);
    expect(response).toEqual({
      text: "Hello",
      reasoning: "\n",
      finishReason: { unified: "stop", raw: "stop" },
      usage: { inputTokens: 9, outputTokens: 2, totalTokens: 11 },
      model: "m-1",
      requestId: "c1",
      extra: { system_fingerprint: "f" },
    });
  });

  it("uses the last usage of any frame, or none if none is valid", () => {
    const usage = (n: unknown) => ({ usage: { prompt_tokens: n } });
    expect(
      stream([
        { ...delta({ content: "a" }), ...usage(1) },
        { ...stop, ...usage(2) },
        delta({}, { finish_reason: "stop", ...usage(3) }),
      ]).response.usage,
    ).toEqual({ inputTokens: 3 });
    expect(stream([delta({ content: "a" }), { ...stop, ...usage(-1) }]).response.usage).toEqual({});
    expect(stream([delta({ content: "a" }), { ...stop, usage: null }]).response.usage).toEqual({});
  });

  it("assembles tool calls from interleaved deltas, with and without indexes", () => {
    const piece = (call: object) => delta({ tool_calls: [call] });
    const { events, response } = stream([
      piece({ index: 0, id: "a", function: { name: "f", arguments: "" } }),
      piece({ index: 1, id: "b", function: { name: "g", arguments: "{" } }),
      piece({ index: 0, id: "a", function: { name: "f", arguments: "{}" } }),
      piece({ index: 1, function: { arguments: "}" } }),
      delta({}, { finish_reason: "tool_calls" }),
    ]);
    expect(response.toolCalls).toEqual([
      { id: "a", name: "f", arguments: "{}" },
      { id: "b", name: "g", arguments: "{}" },
    ]);
    expect(events[2]).toEqual({ type: "tool-call-delta", index: 0, arguments: "{}" });
    const unnumbered = stream([
      piece({ id: "a", function: { name: "f", arguments: "{" } }),
      piece({ function: { arguments: "}" } }),
      piece({ id: "b", function: { name: "g", arguments: "" } }),
      stop,
    ]);
    expect(unnumbered.response.toolCalls).toEqual([
      { id: "a", name: "f", arguments: "{}" },
      { id: "b", name: "g", arguments: "" },
    ]);
  });

  it("starts a new call at another id under the same index", () => {
    const piece = (call: object) => delta({ tool_calls: [call] });
    const { events, response } = stream([
      piece({ index: 0, id: "a", function: { name: "f", arguments: '{"x"' } }),
      piece({ index: 0, function: { arguments: ":1}" } }),
      piece({ index: 0, id: "b", function: { name: "g", arguments: "{" } }),
      piece({ index: 1, id: "c", function: { name: "h", arguments: "[]" } }),
      piece({ index: 0, id: "b", function: { arguments: "}" } }),
      delta({}, { finish_reason: "tool_calls" }),
    ]);
    expect(response.toolCalls).toEqual([
      { id: "a", name: "f", arguments: '{"x":1}' },
      { id: "b", name: "g", arguments: "{}" },
      { id: "c", name: "h", arguments: "[]" },
    ]);
    expect(events.map((event) => "index" in event && event.index)).toEqual([0, 0, 1, 2, 1]);
    const together = [0, 1, 2].map((n) => ({ index: 0, id: `i${n}`, function: { name: "f", arguments: `${n}` } }));
    expect(stream([delta({ tool_calls: together }), stop]).response.toolCalls).toHaveLength(3);
  });

  it("joins pieces under the same index if the server makes up an id for each of them", () => {
    const piece = (call: object) => delta({ tool_calls: [{ index: 0, type: "function", ...call }] });
    const { events, response } = stream([
      piece({ id: "a", function: { name: "f", arguments: "" } }),
      piece({ id: "b", function: { arguments: '{"x"' } }),
      piece({ id: "c", function: { name: "", arguments: ":1}" } }),
      delta({}, { finish_reason: "tool_calls" }),
    ]);
    expect(response.toolCalls).toEqual([{ id: "a", name: "f", arguments: '{"x":1}' }]);
    expect(events).toHaveLength(3);
  });

  it("joins the pieces of custom tool calls", () => {
    const piece = (call: object) => delta({ tool_calls: [{ index: 0, ...call }] });
    const google = { google: { thought_signature: "SIG==" } };
    const { response } = stream([
      piece({ id: "a", type: "custom", custom: { name: "exec", input: "" } }),
      piece({ custom: { input: "pri" } }),
      piece({ custom: { input: "nt(1)" }, extra_content: google }),
      piece({ id: "b", type: "custom", custom: { name: "other", input: "x" } }),
      delta({}, { finish_reason: "tool_calls" }),
    ]);
    expect(response.toolCalls?.map(({ id, extra }) => ({ id, ...extra }))).toEqual([
      { id: "a", type: "custom", custom: { name: "exec", input: "print(1)" }, extra_content: google },
      { id: "b", type: "custom", custom: { name: "other", input: "x" } },
    ]);
  });

  it("accepts fields with the names of members of every object", () => {
    const named = (value: object) => ({ content: "a", constructor: value, toString: value });
    const { response } = stream([delta(named({ a: 1 })), delta(named({ a: 2 })), stop]);
    expect(response).toMatchObject({ text: "aa", extra: { message: { constructor: { a: 2 }, toString: { a: 2 } } } });
  });

  it("rejects arguments of a call that never gets a name", () => {
    const calls = [
      { index: 0, id: "a", function: { name: "f", arguments: "{" } },
      { index: 1, id: "b", function: { arguments: "}" } },
    ];
    expect(failure(() => stream([delta({ tool_calls: calls }), stop])).kind).toBe("bad-response");
  });

  it("reads the same reasoning only once if it has several names", () => {
    const doubled = delta({ reasoning: "r", reasoning_details: [{ type: "reasoning.text", text: "r" }] });
    expect(stream([doubled, stop]).response.reasoning).toBe("r");
    expect(stream([delta({ reasoning_details: [{ text: "d" }] }), stop]).response.reasoning).toBe("d");
  });

  it.each([
    ["without [DONE]", [delta({ content: "a" }), stop], false],
    ["without a finish reason", [delta({ content: "a" })], true],
    ["with neither", [delta({ content: "a" })], false],
    ["with nothing", [], false],
    ["with [DONE] first", ["[DONE]", delta({ content: "a" }), stop], false],
  ])("rejects a stream %s", (_, frames, done) => {
    expect(failure(() => stream(frames, { done }))).toMatchObject({ kind: "bad-response" });
  });

  it("does not treat the end marker within text as the end", () => {
    expect(stream([delta({ content: "[DONE]" }), stop]).response.text).toBe("[DONE]");
    expect(failure(() => stream([delta({ content: "data: [DONE]\n\n" }), stop], { done: false })).kind).toBe(
      "bad-response",
    );
  });

  it.each([
    ["a frame that is no JSON", ['{"choices":'], "bad-response"],
    ["a frame that is a number", ["42"], "bad-response"],
    ["choices that are text", [{ choices: "x" }], "bad-response"],
    ["another choice", [{ choices: [{ index: 1, delta: { content: "x" } }] }], "bad-response"],
    ["a hostile choice index", [{ choices: [{ index: "__proto__", delta: {} }] }], "bad-response"],
    [
      "a hostile tool index",
      [delta({ tool_calls: [{ index: "__proto__", function: { name: "x" } }] })],
      "bad-response",
    ],
    ["a negative tool index", [delta({ tool_calls: [{ index: -1 }] })], "bad-response"],
    ["a huge tool index", [delta({ tool_calls: [{ index: 1e9 }] })], "bad-response"],
    ["an error frame", [delta({ content: "x" }), { error: { code: 503, message: "y" } }], "overloaded"],
    ["an error frame in a list", [delta({ content: "x" }), [{ error: { code: 503, message: "y" } }]], "overloaded"],
    ["an error frame of an old form", [{ code: "50505", message: "y" }], "server"],
    ["an answer given up", [delta({ content: "x" }, { finish_reason: "abort" })], "server"],
  ])("rejects %s", (_, frames, kind) => {
    expect(failure(() => stream([...frames, stop])).kind).toBe(kind);
  });

  it("classifies an error event by its data", () => {
    const error = { name: "error", data: '{"error":{"type":"rate_limit_error"}}' };
    expect(failure(() => run([error])).kind).toBe("throttled");
    expect(failure(() => run([{ name: "error", data: "boom" }])).kind).toBe("server");
    const list = '[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x"}}]';
    expect(failure(() => run([{ name: "", data: list }])).kind).toBe("throttled");
  });

  it("never changes prototypes, whatever the names of fields", () => {
    const hostile = '{"__proto__":{"x":1},"choices":[{"index":0,"delta":{"__proto__":{"x":1},"content":"a"}}]}';
    const { response } = stream([hostile, stop]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    expect((Object.assign({}, response.extra) as { x?: unknown }).x).toBeUndefined();
    expect(response.text).toBe("a");
  });

  it("does not change the state that it receives", () => {
    const reducer = codec.reducer(head, 0);
    const event = { name: "", data: JSON.stringify(delta({ content: "a", tool_calls: [{ index: 0 }] })) };
    const first = reducer.reduce(reducer.initial, event);
    const snapshot = structuredClone(first.state);
    reducer.reduce(first.state, event);
    expect(first.state).toEqual(snapshot);
    expect(reducer.reduce(reducer.initial, event)).toEqual(first);
  });
});

describe("any stream", () => {
  const text = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 8,
  });

  function record(pieces: readonly string[]): Buffer {
    const frames = [...pieces.map((content) => delta({ content })), stop].map((frame) => JSON.stringify(frame));
    return Buffer.from([...frames, "[DONE]"].map((frame) => `data: ${frame}\n\n`).join(""));
  }

  it("yields the same text for every split of its bytes", () => {
    fc.assert(
      fc.property(text, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (pieces, shares) => {
        const bytes = record(pieces);
        const cuts = shares.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b);
        const decoder = new SseDecoder();
        const edges = [0, ...cuts, bytes.length];
        const events = edges.slice(1).flatMap((end, index) => decoder.push(bytes.subarray(edges[index], end)));
        expect(run([...events, ...decoder.end()]).response.text).toBe(pieces.join(""));
      }),
    );
  });

  it("never succeeds if it is truncated before its end marker", () => {
    fc.assert(
      fc.property(text, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (pieces, share) => {
        const bytes = record(pieces);
        const complete = bytes.length - "\n\n".length;
        const decoder = new SseDecoder();
        const events = decoder.push(bytes.subarray(0, Math.floor(share * complete)));
        try {
          events.push(...decoder.end());
        } catch (error) {
          // Cut within a character: the transport reports a bad response.
          expect(error).toBeInstanceOf(SseSyntaxError);
          return;
        }
        expect(failure(() => run(events)).kind).toBe("bad-response");
      }),
    );
  });
});
