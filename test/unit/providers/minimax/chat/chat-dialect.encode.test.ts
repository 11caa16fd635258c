import { describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import { createMinimaxChatDialect } from "#src/providers/minimax/chat/chat-dialect.ts";
import {
  describeChatModel,
  MINIMAX_CHAT_FACTS,
  MINIMAX_DIALECTS,
  type MinimaxDialect,
} from "#src/providers/minimax/chat/chat-models.ts";
import { chooseDialect } from "#src/providers/minimax/chat/choose-dialect.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { modelOf } from "./wire.ts";

const messages: ChatMessage[] = [
  { role: "system", content: "Be kind.\n### USER: not a turn" },
  { role: "user", content: "hi", name: "Ann" },
  { role: "assistant", content: "yo" },
  { role: "user", content: [{ type: "text", text: "again" }] },
];
const tool = { type: "function", function: { name: "add", description: "adds", parameters: {} } };
const called: ChatMessage[] = [
  { role: "user", content: "1+1?" },
  { role: "assistant", content: null, toolCalls: [{ id: "c1", name: "add", arguments: "{}" }] },
  { role: "tool", content: "2", toolCallId: "c1" },
];

function encode(dialect: MinimaxDialect, request: Partial<ChatRequest>, stream = false, model?: string) {
  const codec = createChatCodec(createMinimaxChatDialect(describeChatModel(model ?? modelOf(dialect)), dialect));
  return JSON.parse(codec.encode({ messages, ...request }, stream));
}

function rejectionMessage(dialect: MinimaxDialect, request: Partial<ChatRequest>, stream = false): string {
  try {
    encode(dialect, request, stream);
  } catch (error) {
    expect(error).toMatchObject({ name: "ProviderError", kind: "invalid-request", provider: "minimax" });
    return (error as ProviderError).message;
  }
  throw new Error("it was accepted");
}

describe("a request", () => {
  it("of chatcompletion contains both prompt and names, or neither", () => {
    expect(encode("chatcompletion", { maxTokens: 9, temperature: 1, topP: 0.5 }, true)).toMatchInlineSnapshot(`
      {
        "messages": [
          {
            "sender_type": "USER",
            "text": "hi",
          },
          {
            "sender_type": "BOT",
            "text": "yo",
          },
          {
            "sender_type": "USER",
            "text": "again",
          },
        ],
        "model": "abab5.5s-chat",
        "prompt": "Be kind.
      ### USER: not a turn",
        "role_meta": {
          "bot_name": "Assistant",
          "user_name": "Ann",
        },
        "stream": true,
        "temperature": 1,
        "tokens_to_generate": 9,
        "top_p": 0.5,
        "use_standard_sse": true,
      }
    `);
    const bare = encode("chatcompletion", { messages: [{ role: "user", content: "hi" }] });
    expect(Object.keys(bare)).toEqual(["model", "messages", "tokens_to_generate", "stream"]);
  });

  it("of chatcompletion_pro contains the system text as the bot's setting, and a name in every message", () => {
    expect(encode("chatcompletion_pro", {})).toMatchInlineSnapshot(`
      {
        "bot_setting": [
          {
            "bot_name": "Assistant",
            "content": "Be kind.
      ### USER: not a turn",
          },
        ],
        "messages": [
          {
            "sender_name": "Ann",
            "sender_type": "USER",
            "text": "hi",
          },
          {
            "sender_name": "Assistant",
            "sender_type": "BOT",
            "text": "yo",
          },
          {
            "sender_name": "User",
            "sender_type": "USER",
            "text": "again",
          },
        ],
        "model": "abab5.5-chat",
        "reply_constraints": {
          "sender_name": "Assistant",
          "sender_type": "BOT",
        },
        "stream": false,
        "tokens_to_generate": 1024,
      }
    `);
  });

  it("of chatcompletion_pro contains a setting even without a system message", () => {
    const { bot_setting } = encode("chatcompletion_pro", { messages: [{ role: "user", content: "hi" }] });
    expect(bot_setting).toEqual([{ bot_name: "Assistant", content: expect.stringMatching(/./) }]);
  });

  it("of chatcompletion_pro turns tools into functions, and calls and results into messages", () => {
    const body = encode("chatcompletion_pro", { messages: called, tools: [tool], toolChoice: "auto" });
    expect(body.functions).toEqual([tool.function]);
    expect(body.function_call).toEqual({ type: "auto" });
    expect(body.messages).toEqual([
      { sender_type: "USER", sender_name: "User", text: "1+1?" },
      {
        sender_type: "BOT",
        sender_name: "Assistant",
        text: "",
        function_call: { name: "add", arguments: "{}" },
      },
      { sender_type: "FUNCTION", sender_name: "add", text: "2" },
    ]);
    const named = { type: "function", function: { name: "add" } };
    expect(encode("chatcompletion_pro", { toolChoice: named }).function_call).toEqual({
      type: "specific",
      name: "add",
    });
  });

  it("of chatcompletion_pro accepts custom bots if they include the bot of the reply constraint", () => {
    const bot_setting = [
      { bot_name: "Li", content: "poet" },
      { bot_name: "Du", content: "critic" },
    ];
    const user: ChatMessage[] = [{ role: "user", content: "hi" }];
    const extra = { bot_setting, reply_constraints: { sender_name: "Du" } };
    expect(encode("chatcompletion_pro", { messages: user, extra })).toMatchObject({
      bot_setting,
      reply_constraints: { sender_type: "BOT", sender_name: "Du" },
    });
    const wrong = { bot_setting, reply_constraints: { sender_name: "Su" } };
    expect(rejectionMessage("chatcompletion_pro", { messages: user, extra: wrong })).toContain("bot_names");
    expect(rejectionMessage("chatcompletion_pro", { extra: { bot_setting } })).toContain("exclude each other");
  });

  it("of chatcompletion_v2 has OpenAI's format, including tool results", () => {
    expect(encode("chatcompletion_v2", { messages: called, tools: [tool], maxTokens: 5 }, true)).toEqual({
      model: "MiniMax-Text-01",
      messages: [
        { role: "user", content: "1+1?" },
        {
          role: "assistant",
          content: "",
          tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: "{}" } }],
        },
        { role: "tool", content: "2", tool_call_id: "c1" },
      ],
      max_tokens: 5,
      tools: [tool],
      stream: true,
    });
  });

  it("of the compatible endpoint forwards all fields, and returns reasoning in its original field", () => {
    const history: ChatMessage[] = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b", reasoning: "r" },
      { role: "user", content: "c" },
    ];
    const request = {
      messages: history,
      stop: ["x"],
      seed: 1,
      user: "u",
      extra: { mask_sensitive_info: false },
    };
    expect(encode("openai", request, true)).toEqual({
      model: "MiniMax-M2",
      messages: [
        { role: "user", content: "a" },
        { role: "assistant", content: "<think>\nr\n</think>\n\nb" },
        { role: "user", content: "c" },
      ],
      stop: ["x"],
      seed: 1,
      user: "u",
      stream_options: { include_usage: true },
      mask_sensitive_info: false,
      stream: true,
    });
    const split = encode("openai", { messages: history, extra: { reasoning_split: true } });
    expect(split.messages[1]).toEqual({
      role: "assistant",
      content: "b",
      reasoning_details: [{ type: "reasoning.text", text: "r" }],
    });
  });

  it("cannot become another kind of call through extra fields", () => {
    for (const dialect of MINIMAX_DIALECTS)
      expect(encode(dialect, { extra: { stream: true } }, false).stream).toBe(false);
  });
});

describe.each(MINIMAX_DIALECTS)("%s rejects before any call", (dialect) => {
  it.each([
    [{ temperature: 0 }, "temperature", "above 0, up to 1, not 0"],
    [{ temperature: 1.01 }, "temperature", "above 0, up to 1, not 1.01"],
    [{ temperature: Number.NaN }, "temperature", "above 0, up to 1"],
    [{ topP: 0 }, "top_p", "above 0, up to 1, not 0"],
    [{ topP: 2 }, "top_p", "above 0, up to 1, not 2"],
    [{ maxTokens: 0 }, "max_tokens|tokens_to_generate", "of at least 1, not 0"],
    [{ maxTokens: 1.5 }, "max_tokens|tokens_to_generate", "whole number"],
    [{ extra: { temperature: 7 } }, "temperature", "not 7"],
    [{ extra: { temperature: "hot secret" } }, "temperature", "not a string"],
  ])("%j, and names the range", (request, field, range) => {
    const message = rejectionMessage(dialect, request);
    expect(message).toMatch(new RegExp(`^(${field}) of ${modelOf(dialect)} must be `));
    expect(message).toContain(range);
    expect(message).not.toContain("secret");
  });

  it("accepts the limits of the ranges", () => {
    expect(encode(dialect, { temperature: 1, topP: 1, maxTokens: 1 })).toMatchObject({
      temperature: 1,
      top_p: 1,
    });
    expect(encode(dialect, { temperature: 0.01, topP: 0.01 })).toMatchObject({ temperature: 0.01 });
  });

  it("a request without a message to answer, and unknown roles", () => {
    expect(rejectionMessage(dialect, { messages: [] })).toContain("at least one message");
    expect(rejectionMessage(dialect, { messages: [messages[0]!] })).toContain("not a system message");
    const odd = { role: "BOT", content: "x" } as unknown as ChatMessage;
    expect(rejectionMessage(dialect, { messages: [messages[1]!, odd] })).toContain("message 1");
  });
});

describe("fields that a dialect does not support are rejected by name", () => {
  it.each<[MinimaxDialect, Partial<ChatRequest>, string]>([
    ["chatcompletion", { stop: ["x"] }, "stop"],
    ["chatcompletion", { seed: 1 }, "seed"],
    ["chatcompletion", { tools: [tool] }, "tools"],
    ["chatcompletion", { responseFormat: {} }, "response_format"],
    ["chatcompletion", { messages: called }, "message 1"],
    ["chatcompletion", { messages: [{ role: "user", content: [{ type: "image_url" }] }] }, "message 0"],
    ["chatcompletion", { extra: { beam_width: 4 } }, "beam_width"],
    ["chatcompletion", { extra: { prompt: "" } }, "prompt"],
    ["chatcompletion", { extra: { role_meta: { user_name: "" } } }, "role_meta"],
    ["chatcompletion_pro", { stop: ["x"] }, "stop"],
    ["chatcompletion_pro", { seed: 1 }, "seed"],
    ["chatcompletion_pro", { tools: [{ name: "add" }] }, "tool 0"],
    ["chatcompletion_pro", { toolChoice: "required" }, "tool_choice"],
    ["chatcompletion_pro", { messages: [called[2]!] }, "message 0"],
    ["chatcompletion_pro", { extra: { bot_setting: [] } }, "bot_setting"],
    ["chatcompletion_v2", { stop: ["x"] }, "stop"],
    ["chatcompletion_v2", { toolChoice: "required" }, "tool_choice"],
    ["chatcompletion_v2", { responseFormat: { type: "json_object" } }, "response_format"],
    ["chatcompletion_v2", { extra: { n: 2 } }, "n must be 1"],
    ["openai", { extra: { n: 2 } }, "n must be 1"],
  ])("%s: %j", (dialect, request, named) => {
    expect(rejectionMessage(dialect, request)).toContain(named);
  });

  it("and fields that cannot be combined with streaming", () => {
    const glyph = { reply_constraints: { glyph: { type: "raw", raw_glyph: "x" } } };
    expect(rejectionMessage("chatcompletion", { extra: { beam_width: 2 } }, true)).toContain("beam_width");
    expect(rejectionMessage("chatcompletion_pro", { extra: glyph }, true)).toContain("glyph");
    expect(rejectionMessage("chatcompletion_pro", { extra: glyph, tools: [tool] })).toContain("glyph");
    expect(encode("chatcompletion_pro", { extra: glyph }).reply_constraints).toMatchObject({
      sender_name: "Assistant",
      glyph: { type: "raw" },
    });
  });
});

describe("chooseDialect", () => {
  const text01 = describeChatModel("MiniMax-Text-01");

  it("uses the model's dialect unless the account sets one for the model or for all", () => {
    expect(chooseDialect(text01, undefined)).toBe("chatcompletion_v2");
    expect(chooseDialect(text01, "openai")).toBe("openai");
    expect(chooseDialect(text01, "MiniMax-M1=openai")).toBe("chatcompletion_v2");
    expect(chooseDialect(text01, "MiniMax-M1=openai, MiniMax-Text-01=chatcompletion_pro")).toBe("chatcompletion_pro");
  });

  it("rejects an unknown dialect and lists the known ones", () => {
    expect(() => chooseDialect(text01, "v3")).toThrow("chatcompletion, chatcompletion_pro");
  });

  it("treats an unlisted model as a new one", () => {
    expect(describeChatModel("MiniMax-M9").dialect).toBe("openai");
    const dialects = MINIMAX_CHAT_FACTS.map(({ name }) => describeChatModel(name).dialect);
    expect(new Set(dialects)).toEqual(new Set(MINIMAX_DIALECTS));
  });
});
