import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { answerPrompt, splitAnswer } from "#src/simulator/chat/answer-prompt.ts";
import type { CheckedCall } from "#src/simulator/server/endpoint.ts";

/** A chat call whose credentials and fields are in order, and what the model will say. */
export interface MinimaxChatCall extends CheckedCall {
  readonly model: string;
  readonly stream: boolean;
  /** Only `chatcompletion`: a blank line after each event. */
  readonly standardSse: boolean;
  /** Who answers, where the protocol names speakers. */
  readonly botName: string;
  /** The text in the pieces a stream sends it in. */
  readonly deltas: readonly string[];
  readonly finish: string;
  /** Thinking the model does before it answers; empty for models that do not. */
  readonly reasoning: string;
  /** Reasoning goes into a field of its own. */
  readonly reasoningSplit: boolean;
  /** The tool the model calls instead of answering. */
  readonly tool: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface AnswerRequest {
  readonly model: string;
  /** All texts of the call; the last one is answered. */
  readonly texts: readonly string[];
  readonly stream: boolean;
  readonly standardSse?: boolean;
  readonly botName?: string;
  readonly maxTokens: number;
  readonly reasoningSplit?: boolean;
  /** Names of the tools on offer; the first that the last text names is called. */
  readonly tools?: readonly string[];
}

const REASONING = "想一想 🤔: the answer\nmust be short.";

/** The same answer to the same question every time. Models of the M family think first. */
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
