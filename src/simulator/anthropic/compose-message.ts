import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { sampleSchema } from "#src/simulator/answers/sample-schema.ts";
import { answerPrompt, splitAnswer } from "#src/simulator/chat/answer-prompt.ts";
import { generationOf, readTurns, signThinking } from "./request-rules.ts";
import type { AnthropicRequest, RequestBlock } from "./request-schema.ts";

/** A block of an answer. */
export type AnswerBlock =
  | { readonly type: "text"; readonly text: string; readonly citations: null }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
      readonly caller: { readonly type: "direct" };
    };

export interface ComposedMessage {
  readonly blocks: readonly AnswerBlock[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly stopDetails: unknown;
  readonly outputTokens: number;
  readonly thinkingTokens: number;
}

/** The text that the simulated model answers: that of the last turn, or the result of its tools. */
export function readPrompt(request: AnthropicRequest): string {
  const last = readTurns(request).findLast(({ role }) => role === "user");
  const texts = last?.blocks.map(readBlockText) ?? [];
  return texts.filter((text) => text !== "").at(-1) ?? "";
}

function readBlockText(block: RequestBlock): string {
  if (block.type === "text") return block.text;
  if (block.type !== "tool_result") return "";
  const { content = "" } = block;
  return typeof content === "string"
    ? content
    : content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

const THOUGHT = "I read the question and look for numbers.";

/** The deterministic answer to a valid request. Thinking counts against `max_tokens`. */
export function composeMessage(request: AnthropicRequest): ComposedMessage {
  const prompt = readPrompt(request);
  const thinking = isThinking(request) ? [createThought(request.model)] : [];
  const thinkingTokens = thinking.length > 0 ? countTokens(THOUGHT) : 0;
  const room = request.max_tokens - thinkingTokens;
  const end = { stopSequence: null, stopDetails: null, thinkingTokens };
  const tool = readForcedTool(request);
  if (tool !== undefined) {
    const input = { text: prompt.slice(0, 40) };
    const call = { type: "tool_use", id: "toolu_01Simulated", name: tool, input, caller: { type: "direct" } } as const;
    return { ...end, blocks: [...thinking, call], stopReason: "tool_use", outputTokens: thinkingTokens + 20 };
  }
  const schema = request.output_config?.format?.schema;
  const whole = schema ? JSON.stringify(sampleSchema(schema, prompt)) : answerPrompt(prompt);
  const stop = request.stop_sequences?.find((sequence) => whole.includes(sequence));
  const wanted = stop === undefined ? whole : whole.slice(0, whole.indexOf(stop));
  const text = truncate(wanted, room);
  const isCut = text !== wanted;
  return {
    ...end,
    blocks: text === "" ? thinking : [...thinking, { type: "text", text, citations: null }],
    stopReason: isCut ? "max_tokens" : stop === undefined ? "end_turn" : "stop_sequence",
    stopSequence: isCut ? null : (stop ?? null),
    outputTokens: thinkingTokens + countTokens(text),
  };
}

function isThinking({ thinking, model }: AnthropicRequest): boolean {
  return thinking ? thinking.type !== "disabled" : generationOf(model) >= 5;
}

/** Newer models send only the signature. */
function createThought(model: string): AnswerBlock {
  const thinking = generationOf(model) > 4.65 ? "" : THOUGHT;
  return { type: "thinking", thinking, signature: signThinking(thinking) };
}

function readForcedTool({ tools, tool_choice: choice }: AnthropicRequest): string | undefined {
  if (choice?.type === "tool") return choice.name;
  return choice?.type === "any" ? tools?.[0]?.name : undefined;
}

function truncate(text: string, maxTokens: number): string {
  let tokens = 0;
  const kept: string[] = [];
  for (const piece of splitAnswer(text)) {
    tokens += countTokens(piece);
    if (tokens > maxTokens) break;
    kept.push(piece);
  }
  return kept.join("");
}
