import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { answerPrompt, splitAnswer } from "#src/simulator/chat/answer-prompt.ts";
import type { CheckedCall } from "#src/simulator/server/endpoint.ts";

/** A valid chat call and the model's answer to it. */
export interface MinimaxChatCall extends CheckedCall {
  readonly model: string;
  readonly stream: boolean;
  /** `chatcompletion` only: whether a blank line follows each event. */
  readonly standardSse: boolean;
  /** Name of the answering bot, in protocols with names. */
  readonly botName: string;
  /** The text in pieces, as streamed. */
  readonly deltas: readonly string[];
  readonly finish: string;
  /** Reasoning before the answer; empty for other models. */
  readonly reasoning: string;
  /** Whether the reasoning is in a separate field. */
  readonly reasoningSplit: boolean;
  /** The tool that the model calls instead of answering. */
  readonly tool: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface AnswerRequest {
  readonly model: string;
  /** All texts of the call; the model answers the last one. */
  readonly texts: readonly string[];
  readonly stream: boolean;
  readonly standardSse?: boolean;
  readonly botName?: string;
  readonly maxTokens: number;
  readonly reasoningSplit?: boolean;
  /** Names of the offered tools; the model calls the first one that the last text contains. */
  readonly tools?: readonly string[];
}

const REASONING = "想一想 🤔: the answer\nmust be short.";

/** A deterministic answer. Models of the M family reason first. */
export function planAnswer(request: AnswerRequest): MinimaxChatCall {
  const { model, texts, stream } = request;
  const last = texts.at(-1) ?? "";
  const tool = request.tools?.find((name) => last.includes(name));
  const full = tool === undefined ? splitAnswer(answerPrompt(last)) : [];
  const deltas = keepTokens(full, request.maxTokens);
  const reasoning = /^MiniMax-M\d/.test(model) ? REASONING : "";
  const inputTokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const outputTokens = countTokens(reasoning + deltas.join(""));
  return {
    texts,
    tokens: inputTokens + outputTokens,
    model,
    stream,
    standardSse: request.standardSse ?? true,
    botName: request.botName ?? "MiniMax AI",
    deltas,
    finish: tool === undefined ? (deltas.length < full.length ? "length" : "stop") : "tool_calls",
    reasoning,
    reasoningSplit: request.reasoningSplit ?? false,
    tool,
    inputTokens,
    outputTokens,
  };
}

function keepTokens(pieces: readonly string[], maxTokens: number): string[] {
  let tokens = 0;
  return pieces.filter((piece) => {
    tokens += countTokens(piece);
    return tokens <= maxTokens;
  });
}
