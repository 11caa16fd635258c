import { splitAnswer } from "#src/simulator/chat/answer-prompt.ts";
import type { AnswerBlock, ComposedMessage } from "./compose-message.ts";

export interface MessageHead {
  readonly id: string;
  readonly model: string;
  /** `input_tokens` and the counts of the cache. */
  readonly inputUsage: Readonly<Record<string, number>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** The answer as one object. */
export function writeMessage(head: MessageHead, message: ComposedMessage): Fields {
  return {
    ...startFields(head),
    content: message.blocks,
    ...stopFields(message),
    usage: { ...inputFields(head), ...outputFields(message) },
  };
}

/** The events of a stream, each with its type. */
export function writeMessageEvents(head: MessageHead, message: ComposedMessage): Fields[] {
  const start = { ...startFields(head), content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  return [
    { type: "message_start", message: { ...start, usage: { ...inputFields(head), output_tokens: 1 } } },
    { type: "ping" },
    ...message.blocks.flatMap(writeBlockEvents),
    { type: "message_delta", delta: { container: null, ...stopFields(message) }, usage: outputFields(message) },
    { type: "message_stop" },
  ];
}

function startFields({ id, model }: MessageHead): Fields {
  return { id, type: "message", role: "assistant", model, container: null, diagnostics: null };
}

function stopFields({ stopReason, stopSequence, stopDetails }: ComposedMessage): Fields {
  return { stop_reason: stopReason, stop_sequence: stopSequence, stop_details: stopDetails };
}

function inputFields({ inputUsage }: MessageHead): Fields {
  return { ...inputUsage, service_tier: "standard", server_tool_use: null };
}

function outputFields({ outputTokens, thinkingTokens }: ComposedMessage): Fields {
  return { output_tokens: outputTokens, output_tokens_details: { thinking_tokens: thinkingTokens } };
}

function writeBlockEvents(block: AnswerBlock, index: number): Fields[] {
  const { start, deltas } = splitBlock(block);
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

function splitBlock(block: AnswerBlock): { readonly start: Fields; readonly deltas: readonly Fields[] } {
  if (block.type === "text")
    return {
      start: { ...block, text: "" },
      deltas: splitAnswer(block.text).map((text) => ({ type: "text_delta", text })),
    };
  if (block.type === "thinking")
    return {
      start: { ...block, thinking: "", signature: "" },
      deltas: [
        ...splitAnswer(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ],
    };
  const json = JSON.stringify(block.input);
  const half = Math.ceil(json.length / 2);
  return {
    start: { ...block, input: {} },
    deltas: ["", json.slice(0, half), json.slice(half)].map((partial_json) => ({
      type: "input_json_delta",
      partial_json,
    })),
  };
}
