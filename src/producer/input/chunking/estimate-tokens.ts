import { estimateTokenCount } from "tokenx";
import { countCommonTokens } from "./scan-tokens.ts";

/**
 * Estimates the tokens of a text, at least 1, from the shapes of its words and characters. Every provider has its own
 * tokenizer; its answer contains the tokens that it charged.
 */
export function estimateTokens(text: string): number {
  return Math.max(1, countCommonTokens(text) ?? estimateTokenCount(text));
}

/** Length of the first sample of a long text, in characters per token of the limit; ordinary text needs four. */
const SAMPLE_CHARACTERS_PER_TOKEN = 6;
/** A sample must exceed the limit by this factor to decide, because its last word may be cut off. */
const SAMPLE_MARGIN = 1.25;

/**
 * Returns the estimated tokens of a text, or undefined when they exceed `limit`. Reads only as much of a text as is
 * needed to know that it is too long, because estimating is most of the cost of planning.
 */
export function countTokensUpTo(text: string, limit: number): number | undefined {
  const common = countCommonTokens(text, limit);
  if (common !== undefined) return common <= limit ? Math.max(1, common) : undefined;
  // Doubling the sample keeps the total work linear in what is read.
  let sampleLength = limit * SAMPLE_CHARACTERS_PER_TOKEN;
  for (; text.length > 2 * sampleLength; sampleLength *= 2) {
    if (estimateTokens(text.slice(0, sampleLength)) > limit * SAMPLE_MARGIN) return undefined;
  }
  const tokens = estimateTokens(text);
  return tokens <= limit ? tokens : undefined;
}
