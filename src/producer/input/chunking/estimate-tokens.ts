import { scanTokens } from "./scan-tokens.ts";

/**
 * Estimates the tokens of a text, at least 1, from the shapes of its words and characters. Every provider has its own
 * tokenizer; its answer contains the tokens that it charged.
 */
export function estimateTokens(text: string): number {
  return Math.max(1, scanTokens(text));
}

/**
 * Returns the estimated tokens of a text, or undefined when they exceed `limit`. Reads only as much of a text as is
 * needed to know that it is too long, because estimating is most of the cost of planning.
 */
export function countTokensUpTo(text: string, limit: number): number | undefined {
  const tokens = Math.max(1, scanTokens(text, limit));
  return tokens <= limit ? tokens : undefined;
}
