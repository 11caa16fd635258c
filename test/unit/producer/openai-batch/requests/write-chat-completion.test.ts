import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { ChatResponse } from "#src/providers/provider.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const some = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
const count = fc.nat(10_000);
const response: fc.Arbitrary<ChatResponse> = fc
  .record({
    text: some,
    reasoning: fc.option(some, { nil: undefined }),
    toolCalls: fc.option(fc.array(fc.record({ id: some, name: some, arguments: text }), { minLength: 1 }), {
      nil: undefined,
    }),
    unified: fc.constantFrom("stop", "length", "tool-calls"),
    usage: fc
      .record(
        {
          inputTokens: count,
          outputTokens: count,
          totalTokens: count,
          cachedTokens: count,
          reasoningTokens: count,
        },
        { requiredKeys: [] },
      )
      // Only zeros count as not reported.
      .map((usage) => (Object.values(usage).some((tokens) => tokens > 0) ? usage : {})),
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

describe("writeChatCompletion", () => {
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
