import { describe, expect, test } from "vitest";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { createZhipuChatDialect } from "#src/providers/zhipu/chat-dialect.ts";
import { chatRequestSchema } from "#src/queues/payload.ts";

/** The message that a provider receives for a message of a batch line. */
function send(provider: string, message: object): Record<string, unknown> {
  const read = readChatRequest({ messages: [{ role: "user", content: "a" }, message] });
  if ("problems" in read) throw new Error(read.problems.join("; "));
  const profile = COMPATIBLE_PROFILES.find(({ name }) => name === provider);
  const dialect = profile ? createCompatibleChatDialect(profile, "m") : createZhipuChatDialect("glm-4.5");
  const request = chatRequestSchema.parse(JSON.parse(JSON.stringify(read.request)));
  const { messages } = JSON.parse(createChatCodec(dialect).encode(request as typeof read.request, false));
  return messages[1];
}

const signedCall = {
  id: "c1",
  type: "function",
  function: { name: "f", arguments: "{}" },
  extra_content: { google: { thought_signature: "SIG" } },
};

describe("a message of a batch line", () => {
  test.each(["deepseek", "moonshot", "dashscope", "siliconflow", "volcengine-ark", "zhipu"])(
    "returns its reasoning to %s as reasoning_content",
    (provider) => {
      const message = { role: "assistant", content: "", reasoning_content: "because", tool_calls: [signedCall] };
      expect(send(provider, message)).toEqual(message);
      const { reasoning_content: reasoning, ...others } = message;
      expect(send(provider, { ...others, reasoning })).toEqual(message);
    },
  );

  test("returns reasoning and its signed details to OpenRouter", () => {
    const message = {
      role: "assistant",
      content: "b",
      reasoning: "because",
      reasoning_details: [{ type: "reasoning.encrypted", data: "SIG" }],
    };
    expect(send("openrouter", message)).toEqual(message);
  });

  test.each([
    ["annotations", { role: "assistant", content: "b", annotations: [] }],
    ["a prefix", { role: "assistant", content: "b", prefix: true }],
    ["a partial answer", { role: "assistant", content: "b", partial: true }],
    ["null content", { role: "assistant", content: null, audio: { id: "x" } }],
    ["a refusal", { role: "assistant", content: null, refusal: "no" }],
    ["unknown fields", { role: "user", content: "b", cache_control: { type: "ephemeral" } }],
    ["custom tool calls", { role: "assistant", content: null, tool_calls: [{ id: "c", type: "custom", custom: {} }] }],
  ])("is passed on with %s", (_, message) => {
    expect(send("openai", message)).toEqual(message);
  });

  test("drops null fields, which OpenAI's clients send for absent values", () => {
    const message = {
      role: "assistant",
      content: "b",
      refusal: null,
      audio: null,
      function_call: null,
      tool_calls: null,
    };
    expect(send("openai", message)).toEqual({ role: "assistant", content: "b" });
  });

  test("still needs content that is not absent", () => {
    for (const message of [{ role: "assistant" }, { role: "user", content: null }, { role: "assistant", content: 1 }])
      expect(readChatRequest({ messages: [message] })).toHaveProperty("problems");
  });
});
