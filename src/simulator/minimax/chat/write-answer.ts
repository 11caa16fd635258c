import type { MinimaxChatCall } from "./chat-call.ts";

/** Ids and times are constants, so that the same call gives the same bytes. */
const CREATED = 1_760_000_000;
const ID = "04f1c2d3a4b5968778695a4b3c2d1e0f";
const NO_TOKENS = { total_tokens: 0, total_characters: 0 };
const FLAGS = { input_sensitive: false, output_sensitive: false } as const;
const SUCCESS = { status_code: 0, status_msg: "" };

export type ChatProtocol = "chatcompletion" | "chatcompletion_pro" | "chatcompletion_v2" | "openai";

interface Writer {
  /** The answer as one object; in the older protocols also the closing frame of a stream. */
  readonly whole: (call: MinimaxChatCall) => Record<string, unknown>;
  /** The objects of a stream, in order. */
  readonly frames: (call: MinimaxChatCall) => readonly unknown[];
}

const WRITERS: Readonly<Record<ChatProtocol, Writer>> = {
  chatcompletion: { whole: wholeText, frames: textFrames },
  chatcompletion_pro: { whole: wholePro, frames: proFrames },
  chatcompletion_v2: { whole: wholeOpenai, frames: v2Frames },
  openai: { whole: wholeOpenai, frames: openaiFrames },
};

export function writeWhole(protocol: ChatProtocol, call: MinimaxChatCall): Record<string, unknown> {
  return WRITERS[protocol].whole(call);
}

/** The frames of a stream: JSON, and `[DONE]` at the end of the compatible protocol. */
export function writeFrames(protocol: ChatProtocol, call: MinimaxChatCall): readonly unknown[] {
  return WRITERS[protocol].frames(call);
}

function wholeText(call: MinimaxChatCall): Record<string, unknown> {
  const text = call.deltas.join("");
  return nativeWhole(call, [{ text, index: 0, finish_reason: call.finish, logprobes: 0 }]);
}

function textFrames(call: MinimaxChatCall): unknown[] {
  const head = { created: CREATED, model: call.model, reply: "" };
  return [
    ...call.deltas.map((delta) => ({ ...head, choices: [{ delta }] })),
    nativeWhole(call, [{ delta: "", index: 0, finish_reason: call.finish }]),
  ];
}

function wholePro(call: MinimaxChatCall): Record<string, unknown> {
  const finish_reason = call.finish === "tool_calls" ? "stop" : call.finish;
  const choices = [{ messages: [proMessage(call, call.deltas.join(""))], index: 0, finish_reason }];
  const called = call.tool === undefined ? {} : { function_call: { name: call.tool, arguments: "{}" } };
  return { ...nativeWhole(call, choices), ...called };
}

function proFrames(call: MinimaxChatCall): unknown[] {
  const head = { created: CREATED, model: call.model, reply: "" };
  return [
    ...call.deltas.map((delta) => ({
      ...head,
      choices: [{ messages: [proMessage(call, delta)], index: 0 }],
      output_sensitive: false,
    })),
    wholePro(call),
  ];
}

function proMessage({ botName }: MinimaxChatCall, text: string): Record<string, unknown> {
  return { sender_type: "BOT", sender_name: botName, text };
}

function nativeWhole(call: MinimaxChatCall, choices: unknown): Record<string, unknown> {
  return {
    created: CREATED,
    model: call.model,
    reply: call.deltas.join(""),
    choices,
    usage: { total_tokens: call.tokens },
    ...FLAGS,
    id: ID,
    base_resp: SUCCESS,
  };
}

function wholeOpenai(call: MinimaxChatCall): Record<string, unknown> {
  const { text, reasoning } = content(call);
  const message = {
    content: text,
    role: "assistant",
    name: "MiniMax AI",
    audio_content: "",
    reasoning_details: reasoning === "" ? undefined : [{ type: "reasoning.text", text: reasoning }],
    tool_calls: call.tool === undefined ? undefined : [{ ...toolCall(call.tool), index: 0 }],
  };
  return {
    id: ID,
    choices: [{ finish_reason: call.finish, index: 0, message }],
    created: CREATED,
    model: call.model,
    object: "chat.completion",
    usage: usageOf(call),
    ...FLAGS,
    input_sensitive_type: 0,
    output_sensitive_type: 0,
    output_sensitive_int: 0,
    base_resp: SUCCESS,
  };
}

/** Every chunk has zero usage and, after the first, an empty role; the last chunk with text also has the finish reason. */
function v2Frames(call: MinimaxChatCall): unknown[] {
  const pieces = openaiPieces(call);
  return [
    ...pieces.map((delta, index) => ({
      ...chunk(call, {
        index: 0,
        delta: { ...delta, role: index === 0 ? "assistant" : "" },
        finish_reason: index === pieces.length - 1 ? call.finish : undefined,
      }),
      usage: NO_TOKENS,
    })),
    wholeOpenai(call),
  ];
}

function openaiFrames(call: MinimaxChatCall): unknown[] {
  return [
    chunk(call, { index: 0, delta: { role: "assistant", content: "", name: "MiniMax AI" } }),
    ...openaiPieces(call).map((delta) => chunk(call, { index: 0, delta: { ...delta, role: "" } })),
    chunk(call, { index: 0, delta: null, finish_reason: call.finish }),
    { ...chunk(call), choices: [], usage: usageOf(call), base_resp: SUCCESS },
    "[DONE]",
  ];
}

function chunk(call: MinimaxChatCall, choice?: unknown): Record<string, unknown> {
  const choices = choice === undefined ? [] : [choice];
  return { id: ID, choices, created: CREATED, model: call.model, object: "chat.completion.chunk", ...FLAGS };
}

/** The deltas of content and reasoning; the think tags are separate deltas. */
function openaiPieces(call: MinimaxChatCall): Record<string, unknown>[] {
  if (call.tool !== undefined) return [{ content: "", tool_calls: [{ ...toolCall(call.tool), index: 0 }] }];
  const thoughts = call.reasoning === "" ? [] : [...call.reasoning.matchAll(/[\s\S]{1,6}/gu)].map(([part]) => part);
  const before = call.reasoningSplit
    ? thoughts.map((text) => ({ content: "", reasoning_details: [{ type: "reasoning.text", text }] }))
    : (thoughts.length === 0 ? [] : ["<thi", "nk>\n", ...thoughts, "\n</", "think>\n\n"]).map((each) => ({
        content: each,
      }));
  return [...before, ...call.deltas.map((each) => ({ content: each }))];
}

function content(call: MinimaxChatCall): { text: string; reasoning: string } {
  const answer = call.deltas.join("");
  if (call.reasoning === "" || call.tool !== undefined) return { text: answer, reasoning: "" };
  if (call.reasoningSplit) return { text: answer, reasoning: call.reasoning };
  return { text: `<think>\n${call.reasoning}\n</think>\n\n${answer}`, reasoning: "" };
}

function toolCall(name: string): Record<string, unknown> {
  return { id: `call_function_${name}`, type: "function", function: { name, arguments: "{}" } };
}

function usageOf(call: MinimaxChatCall): Record<string, number> {
  return {
    total_tokens: call.tokens,
    total_characters: 0,
    prompt_tokens: call.inputTokens,
    completion_tokens: call.outputTokens,
  };
}
