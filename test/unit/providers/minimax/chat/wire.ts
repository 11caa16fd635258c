import type { MinimaxDialect } from "#src/providers/minimax/chat/chat-models.ts";

/** Frames of each protocol's server for the given text deltas. */
export const ok = { status_code: 0, status_msg: "" };

const names: Record<MinimaxDialect, string> = {
  chatcompletion: "abab5.5s-chat",
  chatcompletion_pro: "abab5.5-chat",
  chatcompletion_v2: "MiniMax-Text-01",
  openai: "MiniMax-M2",
};

export function modelOf(dialect: MinimaxDialect): string {
  return names[dialect];
}

function textFrames(deltas: readonly string[]): unknown[] {
  const head = { created: 1, model: names.chatcompletion, reply: "" };
  const whole = deltas.join("");
  return [
    ...deltas.map((delta) => ({ ...head, choices: [{ delta }] })),
    {
      ...head,
      reply: whole,
      choices: [{ delta: "", finish_reason: "stop" }],
      usage: { total_tokens: 7 },
      input_sensitive: false,
      output_sensitive: false,
      id: "a1",
      base_resp: ok,
    },
  ];
}

function proFrames(deltas: readonly string[]): unknown[] {
  const message = (text: string) => ({ sender_type: "BOT", sender_name: "Assistant", text });
  const head = { created: 1, model: names.chatcompletion_pro, reply: "" };
  const whole = deltas.join("");
  return [
    ...deltas.map((delta) => ({ ...head, choices: [{ index: 0, messages: [message(delta)] }] })),
    {
      ...head,
      reply: whole,
      choices: [{ index: 0, finish_reason: "stop", messages: [message(whole)] }],
      usage: { total_tokens: 7, tokens_with_added_plugin: 0 },
      id: "a1",
      base_resp: ok,
    },
  ];
}

function v2Frames(deltas: readonly string[]): unknown[] {
  const none = { total_tokens: 0, total_characters: 0 };
  const head = { id: "a1", created: 1, model: names.chatcompletion_v2, usage: none };
  const whole = deltas.join("");
  const flags = { input_sensitive: false, output_sensitive: false };
  const chunk = (choice: unknown) => ({
    ...head,
    object: "chat.completion.chunk",
    ...flags,
    choices: [choice],
  });
  return [
    ...deltas.map((content, index) =>
      chunk({
        index: 0,
        delta: { content, role: index === 0 ? "assistant" : "" },
        ...(index === deltas.length - 1 && { finish_reason: "stop" }),
      }),
    ),
    ...(deltas.length === 0 ? [chunk({ index: 0, delta: null, finish_reason: "stop" })] : []),
    {
      ...head,
      object: "chat.completion",
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          delta: null,
          message: { content: whole, role: "assistant", name: "MiniMax AI" },
        },
      ],
      usage: { total_tokens: 7, total_characters: 0, prompt_tokens: 3, completion_tokens: 4 },
      base_resp: ok,
    },
  ];
}

function openaiFrames(deltas: readonly string[]): unknown[] {
  const head = { id: "a1", object: "chat.completion.chunk", created: 1, model: names.openai };
  return [
    { ...head, choices: [{ index: 0, delta: { role: "assistant", content: "" } }] },
    ...deltas.map((content) => ({ ...head, choices: [{ index: 0, delta: { role: "", content } }] })),
    { ...head, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    {
      ...head,
      choices: [],
      usage: { total_tokens: 7, prompt_tokens: 3, completion_tokens: 4 },
      base_resp: ok,
    },
    "[DONE]",
  ];
}

const writers: Record<MinimaxDialect, (deltas: readonly string[]) => unknown[]> = {
  chatcompletion: textFrames,
  chatcompletion_pro: proFrames,
  chatcompletion_v2: v2Frames,
  openai: openaiFrames,
};

export function framesOf(dialect: MinimaxDialect, deltas: readonly string[]): unknown[] {
  return writers[dialect](deltas);
}

/** The bytes of a stream; the oldest protocol separates events by one line feed. */
export function bytesOf(frames: readonly unknown[], separator = "\n\n"): Buffer {
  const lines = frames.map((frame) => `data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}${separator}`);
  return Buffer.from(lines.join(""));
}

/** A non-streamed response. */
export function wholeOf(dialect: MinimaxDialect, text: string): Record<string, unknown> {
  const usage = { total_tokens: 7 };
  const common = { id: "a1", created: 1, model: names[dialect], base_resp: ok };
  switch (dialect) {
    case "chatcompletion":
      return { ...common, reply: text, choices: [{ text, index: 0, finish_reason: "stop" }], usage };
    case "chatcompletion_pro": {
      const messages = [{ sender_type: "BOT", sender_name: "Assistant", text }];
      return { ...common, reply: text, choices: [{ messages, index: 0, finish_reason: "stop" }], usage };
    }
    default: {
      const message = { role: "assistant", content: text };
      return {
        ...common,
        object: "chat.completion",
        choices: [{ index: 0, finish_reason: "stop", message }],
        usage,
      };
    }
  }
}
