import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { encodeChatBody } from "#src/providers/openai-compatible/chat/chat-request.ts";
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

describe("readChatRequest", () => {
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
        // The name that the limit had; the adapter sends it under this name.
        extra: { max_completion_tokens: 5 },
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
