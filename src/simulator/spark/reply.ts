import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { answerPrompt, splitAnswer } from "#src/simulator/chat/answer-prompt.ts";

export interface Reply {
  /** At least one. */
  readonly pieces: readonly string[];
  readonly completionTokens: number;
}

/** The simulated model's answer in pieces for streaming, cut at `maxTokens`. */
export function composeReply(question: string, maxTokens: number): Reply {
  const [first = "", ...others] = splitAnswer(answerPrompt(question));
  const pieces = [first];
  let tokens = countTokens(first);
  for (const piece of others) {
    tokens += countTokens(piece);
    if (tokens > maxTokens) return { pieces, completionTokens: maxTokens };
    pieces.push(piece);
  }
  return { pieces, completionTokens: tokens };
}
