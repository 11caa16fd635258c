import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat-codec.ts";
import { encodeChatBody } from "#src/providers/openai-compatible/chat-request.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { chatRequestSchema } from "#src/queues/payload.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const some = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
const toolCall = fc.record({
  id: some,
  type: fc.constant("function"),
  function: fc.record({ name: some, arguments: text }),
});
const part = fc.record({ type: fc.constant("text"), text });
const message = fc.oneof(
  fc.record({
    role: fc.constantFrom("system", "user"),
    content: fc.oneof(text, fc.array(part, { minLength: 1 })),
  }),
  fc.record({
    role: fc.constant("assistant"),
    content: fc.constant(null),
    tool_calls: fc.array(toolCall, { minLength: 1 }),
  }),
  fc.record({ role: fc.constant("tool"), content: text, tool_call_id: some }),
);
const body = fc.record(
  {
    model: some,
    messages: fc.array(message, { minLength: 1, maxLength: 5 }),
    max_tokens: fc.integer({ min: 1, max: 9_999 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_p: fc.double({ min: 0, max: 1, noNaN: true }),
    stop: fc.array(some, { maxLength: 3 }),
    seed: fc.integer(),
    user: some,
    tools: fc.array(fc.constant({ type: "function", function: { name: "f" } }), { minLength: 1 }),
    tool_choice: fc.constantFrom("auto", "none"),
    response_format: fc.constant({ type: "json_object" }),
    frequency_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
    metadata: fc.dictionary(fc.stringMatching(/^[a-z]+$/), text),
  },
  { requiredKeys: ["messages"] },
);

const KEYS = [
  "model",
  "messages",
  "stream",
  "n",
  "max_tokens",
  "max_completion_tokens",
  "stop",
  "seed",
  "tools",
  "user",
  "response_format",
  "modalities",
  "audio",
  "logprobs",
];

const DIALECT = { provider: "x", maxTokensField: "max_tokens", includeUsage: false } as const;

describe("a chat body in OpenAI's format", () => {
  test("has the same meaning after it was read and encoded again", () => {
    fc.assert(
      fc.property(body, (given) => {
        const read = readChatRequest(given);
        if ("problems" in read) throw new Error(read.problems.join("; "));
        expect(read.model).toBe(given.model);
        expect(chatRequestSchema.safeParse(JSON.parse(JSON.stringify(read.request))).success).toBe(true);
        const sent = encodeChatBody("m", read.request, false, DIALECT);
        expect(sent).toEqual({ ...given, model: "m", stream: false });
      }),
    );
  });

  test("may use OpenAI's newer names, and null for absent values", () => {
    const read = readChatRequest({
      messages: [
        { role: "developer", content: "be brief" },
        { role: "assistant", content: "ok", refusal: null, reasoning_content: "hm" },
        { role: "user", content: "go", name: "ann" },
      ],
      max_completion_tokens: 5,
      max_tokens: 9,
      stop: "END",
      temperature: null,
      n: 1,
      stream: false,
    });
    expect(read).toEqual({
      model: undefined,
      request: {
        messages: [
          { role: "system", content: "be brief" },
          { role: "assistant", content: "ok", reasoning: "hm" },
          { role: "user", content: "go", name: "ann" },
        ],
        maxTokens: 5,
        stop: ["END"],
      },
    });
  });

  test("never makes the reader throw", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...KEYS), fc.jsonValue()), (any) => {
        const read = readChatRequest(any);
        expect("problems" in read ? read.problems.length : read.request.messages.length).toBeGreaterThan(0);
      }),
    );
  });
});

const count = fc.nat(10_000);
const response: fc.Arbitrary<ChatResponse> = fc
  .record({
    text: some,
    reasoning: fc.option(some, { nil: undefined }),
    toolCalls: fc.option(fc.array(fc.record({ id: some, name: some, arguments: text }), { minLength: 1 }), {
      nil: undefined,
    }),
    unified: fc.constantFrom("stop", "length", "tool-calls"),
    usage: fc.record(
      {
        inputTokens: count,
        outputTokens: count,
        totalTokens: count,
        cachedTokens: count,
        reasoningTokens: count,
      },
      { requiredKeys: [] },
    ),
    extra: fc.option(fc.constant({ system_fingerprint: "fp", message: { annotations: [1] } }), {
      nil: undefined,
    }),
  })
  .map(({ text, reasoning, toolCalls, unified, usage, extra }) => ({
    text,
    reasoning,
    toolCalls,
    finishReason: { unified, raw: unified.replace("-", "_") } as ChatResponse["finishReason"],
    usage,
    model: "m-1",
    extra,
  }));

const codec = createChatCodec({
  provider: "x",
  encode: () => ({}),
  classifyBody: () => new ProviderError("no answer", { kind: "bad-response", provider: "x" }),
  classifyResponse: () => new ProviderError("no answer", { kind: "bad-response", provider: "x" }),
  failures: {},
  terminal: "both",
});

describe("a chat completion", () => {
  test("is decoded to the same answer by a client of the protocol", () => {
    fc.assert(
      fc.property(response, (answer) => {
        const written = writeChatCompletion(answer, { id: "chatcmpl-1", created: 1, model: "asked" });
        const bytes = Buffer.from(JSON.stringify(written));
        const decoded = codec.decode({ status: 200, headers: {}, body: bytes }, 0);
        expect({ ...decoded, requestId: undefined }).toEqual({ ...answer, requestId: undefined });
      }),
    );
  });

  test("has null content if there are only tool calls, and no usage if none was reported", () => {
    const written = writeChatCompletion(
      {
        text: "",
        toolCalls: [{ id: "c", name: "f", arguments: "{}" }],
        finishReason: { unified: "tool-calls" },
        usage: {},
      },
      { id: "chatcmpl-1", created: 7, model: "asked" },
    );
    expect(written).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 7,
      model: "asked",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
            refusal: null,
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
    });
  });
});
