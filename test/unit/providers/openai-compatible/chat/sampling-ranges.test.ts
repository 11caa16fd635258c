import { expect, test } from "vitest";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import type { ChatRequest } from "#src/providers/provider.ts";

const messages = [{ role: "user", content: "Hello" }] as const;

function encode(provider: string, model: string, options: Partial<ChatRequest>) {
  const profile = COMPATIBLE_PROFILES.find(({ name }) => name === provider);
  if (!profile) throw new Error(`no profile ${provider}`);
  return createCompatibleChatDialect(profile, model).encode({ messages, ...options }, false);
}

test.each(["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini"])(
  "%s accepts no other temperature than its own",
  (model) => {
    expect(() => encode("openai", model, { temperature: 0 })).toThrow("temperature must be 1 or absent, not 0");
    expect(() => encode("openai", model, { topP: 0.9 })).toThrow("top_p must be 1 or absent, not 0.9");
    expect(encode("openai", model, { temperature: 1 })).toMatchObject({ temperature: 1 });
    expect(encode("openai", model, {})).toMatchObject({ model });
  },
);

test.each(["gpt-4o", "gpt-5.2", "gpt-5-chat-latest", "ominous"])("%s accepts a temperature", (model) => {
  expect(encode("openai", model, { temperature: 0.2, topP: 0.9 })).toMatchObject({ temperature: 0.2, top_p: 0.9 });
});

test("Moonshot's temperatures end at 1", () => {
  expect(() => encode("moonshot", "kimi-k3", { temperature: 1.2 })).toThrow("temperature must be a number from 0 to 1");
  expect(encode("moonshot", "kimi-k3", { temperature: 1 })).toMatchObject({ temperature: 1 });
});
