import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { createMinimaxChatDialect } from "#src/providers/minimax/chat/chat-dialect.ts";
import { describeChatModel } from "#src/providers/minimax/chat/chat-models.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { createZhipuChatDialect } from "#src/providers/zhipu/chat-dialect.ts";

const PROFILE = { name: "test", defaultBaseUrl: "https://x", envPrefix: "TEST", models: [] };
const codec = createChatCodec(createCompatibleChatDialect(PROFILE, "m"));
const CODECS = {
  compatible: codec,
  zhipu: createChatCodec(createZhipuChatDialect("glm-4.5")),
  minimax: createChatCodec(createMinimaxChatDialect(describeChatModel("MiniMax-M1"), "openai")),
  "minimax v2": createChatCodec(createMinimaxChatDialect(describeChatModel("MiniMax-M1"), "chatcompletion_v2")),
  "minimax pro": createChatCodec(createMinimaxChatDialect(describeChatModel("abab6.5s-chat"), "chatcompletion_pro")),
  "minimax text": createChatCodec(createMinimaxChatDialect(describeChatModel("abab5.5-chat"), "chatcompletion")),
};

const head = { status: 200, headers: {} };
const METADATA = { id: "chatcmpl-1", created: 1, model: "m" };

function decode(body: unknown, from = codec): ChatResponse {
  return from.decode({ ...head, body: Buffer.from(JSON.stringify(body)) }, 0);
}

function stream(frames: readonly unknown[], from = codec): ChatResponse {
  const reducer = from.reducer(head, 0);
  let state = reducer.initial;
  for (const data of [...frames.map((frame) => JSON.stringify(frame)), "[DONE]"])
    state = reducer.reduce(state, { name: "", data }).state;
  return reducer.finish(state);
}

/** The choice in `output.jsonl`. */
function writeChoice(response: ChatResponse) {
  const { choices } = writeChatCompletion(response, METADATA) as { choices: [{ message: Record<string, unknown> }] };
  return choices[0];
}

const completion = (message: object, finishReason = "stop", more: object = {}) => ({
  id: "gen-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finishReason }],
  ...more,
});
const chunk = (delta: object, finishReason: string | null = null, more: object = {}) => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finishReason, ...more }],
});

const TOOL_CALL = {
  id: "a",
  type: "function",
  function: { name: "f", arguments: "{}" },
  extra_content: { google: { thought_signature: "SIG==" } },
};
const DETAILS = [{ type: "reasoning.encrypted", data: "SIG==", id: "tool_1", format: "google-gemini-v1", index: 0 }];
const MESSAGES: Readonly<Record<string, object>> = {
  refusal: { content: null, refusal: "no, not this" },
  "signed tool calls and reasoning details": {
    content: null,
    reasoning: "because",
    reasoning_details: DETAILS,
    tool_calls: [TOOL_CALL],
  },
  "a custom tool call": {
    content: null,
    tool_calls: [{ id: "b", type: "custom", custom: { name: "g", input: "free text" } }],
  },
  "parts that are not text": {
    content: [
      { type: "text", text: "here" },
      { type: "image_url", image_url: { url: "data:image/png;base64,QUJD" } },
    ],
  },
  "a function call of the old form": { content: null, function_call: { name: "f", arguments: '{"x":1}' } },
  annotations: { content: "see", annotations: [{ type: "url_citation" }], images: [{ type: "image_url" }] },
  audio: { content: null, audio: { id: "x", data: "QUJD", transcript: "t" } },
};

describe("a complete answer", () => {
  it.each(Object.entries(MESSAGES))("keeps %s", (_, message) => {
    const written = writeChoice(decode(completion(message)));
    expect(written.message).toMatchObject(message);
  });

  it("keeps the complete usage and the fields of the choice", () => {
    const usage = {
      prompt_tokens: 3,
      completion_tokens: 2,
      total_tokens: 5,
      cost: 0.00042,
      prompt_tokens_details: { cached_tokens: 1, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 1, accepted_prediction_tokens: 0 },
    };
    const body = completion({ content: "a" }, "stop", { usage, citations: ["https://x"], provider: "Google" });
    Object.assign(body.choices[0] ?? {}, { native_finish_reason: "STOP", logprobs: { content: [], refusal: [] } });
    const response = decode(body);
    expect(response.usage).toEqual({
      inputTokens: 3,
      outputTokens: 2,
      totalTokens: 5,
      cachedTokens: 1,
      reasoningTokens: 1,
    });
    expect(writeChatCompletion(response, METADATA)).toMatchObject({
      usage,
      citations: ["https://x"],
      provider: "Google",
      choices: [{ native_finish_reason: "STOP", logprobs: { content: [], refusal: [] } }],
    });
  });

  it("keeps the finish reason of a function call of the old form", () => {
    const response = decode(completion(MESSAGES["a function call of the old form"] ?? {}, "function_call"));
    expect(writeChoice(response)).toMatchObject({ finish_reason: "function_call" });
  });

  it("has the model's refusal as a field of its own", () => {
    expect(decode(completion(MESSAGES.refusal ?? {}))).toMatchObject({ text: "", refusal: "no, not this" });
  });
});

describe("a streamed answer", () => {
  it("joins refusals, function calls, audio and reasoning details, and collects lists", () => {
    const response = stream([
      chunk({ role: "assistant", content: null, refusal: "no, " }),
      chunk({ refusal: "not this" }),
      chunk({ function_call: { name: "f", arguments: '{"x"' } }),
      chunk({ function_call: { arguments: ":1}" } }),
      chunk({ audio: { id: "x", data: "QU" } }),
      chunk({ audio: { data: "JD", transcript: "t" } }),
      chunk({ reasoning_details: [{ type: "reasoning.text", text: "be", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.text", text: "cause", index: 0, signature: "S" }] }),
      chunk({ reasoning_details: DETAILS.map((one) => ({ ...one, index: 1 })) }),
      chunk({ annotations: [{ n: 1 }] }),
      chunk({ annotations: [{ n: 2 }] }),
      chunk({ tool_calls: [{ index: 0, ...TOOL_CALL }] }),
      chunk({ content: [{ type: "image_url", image_url: { url: "data:" } }] }),
      chunk({}, "stop", { native_finish_reason: "STOP" }),
      { choices: [], usage: { prompt_tokens: 1, cost: 0.5 } },
    ]);
    expect(response.reasoning).toBe("because");
    const written = writeChatCompletion(response, METADATA);
    expect(written).toMatchObject({
      usage: { prompt_tokens: 1, cost: 0.5 },
      choices: [
        {
          native_finish_reason: "STOP",
          message: {
            content: [{ type: "image_url", image_url: { url: "data:" } }],
            refusal: "no, not this",
            function_call: { name: "f", arguments: '{"x":1}' },
            audio: { id: "x", data: "QUJD", transcript: "t" },
            reasoning_details: [
              { type: "reasoning.text", text: "because", index: 0, signature: "S" },
              { ...DETAILS[0], index: 1 },
            ],
            annotations: [{ n: 1 }, { n: 2 }],
            tool_calls: [TOOL_CALL],
          },
        },
      ],
    });
  });

  it("reads chunks with the complete message, or with text, instead of a delta", () => {
    const message = {
      object: "chat.completion",
      choices: [{ index: 0, message: { content: "hi" }, finish_reason: "stop" }],
    };
    expect(stream([message]).text).toBe("hi");
    expect(stream([chunk({ content: "hi" }), message]).text).toBe("hi");
    const texts = ["h", "i"].map((text) => ({ choices: [{ index: 0, text, finish_reason: null }] }));
    expect(stream([...texts, { choices: [{ index: 0, text: "", finish_reason: "stop" }] }]).text).toBe("hi");
  });

  it.each([
    [
      "messages that are not the complete answer",
      [chunk({ content: "a" }), { choices: [{ message: { content: "b" } }] }],
    ],
    ["several messages", ["a", "a"].map((content) => ({ choices: [{ message: { content } }] }))],
    ["content that is an object", [chunk({ content: { text: "a" } })]],
    ["no content at all", [chunk({ role: "assistant" })]],
  ])("rejects %s", (_, frames) => {
    expect(() => stream([...frames, chunk({}, "stop")])).toThrow(ProviderError);
  });
});

describe("an answer without anything", () => {
  it("is a success only if the provider says so", () => {
    expect(decode(completion({ content: "" })).text).toBe("");
    expect(stream([chunk({ content: "" }), chunk({}, "stop")]).text).toBe("");
    // A model may spend all its tokens on reasoning that it does not show.
    expect(decode(completion({}, "length")).finishReason.unified).toBe("length");
    for (const [message, reason] of [
      [{}, "stop"],
      [{ content: null }, "stop"],
      [{ content: "" }, "tool_calls"],
      [{ content: 42 }, "stop"],
      [{ content: { text: "a" } }, "stop"],
      [{ content: "", tool_calls: [] }, "function_call"],
    ] as const)
      expect(() => decode(completion(message, reason))).toThrow(ProviderError);
  });
});

const anyJson = fc.jsonValue({ maxDepth: 3 });
/** A body that resembles the protocol: any of its parts may be missing, or be something else. */
const resembling = fc.record(
  {
    id: anyJson,
    object: fc.constantFrom("chat.completion", "chat.completion.chunk", "x"),
    choices: fc.oneof(
      anyJson,
      fc.array(
        fc.record(
          {
            index: fc.oneof(fc.constant(0), anyJson),
            message: fc.oneof(
              anyJson,
              fc.record({ role: anyJson, content: anyJson, tool_calls: anyJson }, { requiredKeys: [] }),
            ),
            delta: fc.oneof(anyJson, fc.record({ content: anyJson }, { requiredKeys: [] })),
            text: anyJson,
            messages: anyJson,
            finish_reason: fc.oneof(fc.constantFrom("stop", "tool_calls", "x", null), anyJson),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
    ),
    usage: anyJson,
    reply: anyJson,
  },
  { requiredKeys: [] },
);

/** Whether a response contains something, or the provider explicitly sent an empty text. */
function hasContent(response: ChatResponse, sent: string): boolean {
  if (response.text !== "" || response.reasoning || response.refusal || response.toolCalls?.length) return true;
  const message = response.extra?.message as Record<string, unknown> | undefined;
  if (message && ["content", "function_call", "audio", "images", "reasoning_details"].some((name) => name in message))
    return true;
  return /"(content|text|reply)":""|"finish_reason":"(length|content_filter)"/.test(sent);
}

describe.each(Object.entries(CODECS))("any JSON for %s", (_, from) => {
  it("never becomes an empty success, complete or streamed", () => {
    fc.assert(
      fc.property(fc.oneof(anyJson, resembling), (body) => {
        for (const read of [() => decode(body, from), () => stream([body], from)]) {
          let response: ChatResponse;
          try {
            response = read();
          } catch (error) {
            expect(error).toBeInstanceOf(ProviderError);
            continue;
          }
          expect(hasContent(response, JSON.stringify(body)), JSON.stringify(body)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

const unknown = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 12 }).map((name) => `x_${name}`),
  anyJson.filter((value) => value !== null),
  { maxKeys: 3 },
);
const unknowns = fc.record({
  inBody: unknown,
  inChoice: unknown,
  inMessage: unknown,
  inCall: unknown,
  inUsage: unknown,
});
type Unknowns = typeof unknowns extends fc.Arbitrary<infer T> ? T : never;

/** A complete answer in the form of the codec, with unknown fields in all its parts. */
function answerWith(name: string, { inBody, inChoice, inMessage, inCall, inUsage }: Unknowns): object {
  const usage = { prompt_tokens: 1, total_tokens: 1, ...inUsage };
  const choice = { finish_reason: "stop", ...inChoice };
  const native = { id: "gen-1", reply: "a", usage, ...inBody };
  if (name === "minimax text") return { ...native, choices: [{ ...choice, text: "a" }] };
  if (name === "minimax pro") return { ...native, choices: [{ ...choice, messages: [{ text: "a", ...inMessage }] }] };
  const message = { role: "assistant", content: "a", ...inMessage, tool_calls: [{ ...TOOL_CALL, ...inCall }] };
  const choices = [{ ...choice, finish_reason: "tool_calls", index: 0, message }];
  return { ...inBody, object: "chat.completion", choices, usage, message: "a field of the body" };
}

describe.each(Object.entries(CODECS))("unknown fields for %s", (name, from) => {
  it("survive to the line of the output", () => {
    fc.assert(
      fc.property(unknowns, (fields) => {
        const written = writeChatCompletion(decode(answerWith(name, fields), from), METADATA);
        const { inBody, inChoice, inMessage, inCall, inUsage } = fields;
        const isCommon = name !== "minimax text" && name !== "minimax pro";
        const message = { ...(name === "minimax text" ? {} : inMessage), ...(isCommon && { tool_calls: [inCall] }) };
        const expected = { ...inBody, choices: [{ ...inChoice, message }], usage: inUsage };
        expect(JSON.parse(JSON.stringify(written))).toMatchObject(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });
});
