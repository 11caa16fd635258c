import { estimateTokenCount } from "tokenx";

/**
 * Tokens a text probably has, at least 1. An estimate from the shapes of words and characters: every provider has a
 * tokenizer of its own, and what it charged is in its answer.
 */
export function estimateTokens(text: string): number {
  return Math.max(1, estimateTokenCount(text));
}

/** Characters that no ordinary text needs for one token; only used to look at a part of a long text first. */
const GENEROUS_CHARACTERS_PER_TOKEN = 16;

/**
 * True when a text has at most `limit` estimated tokens. Looks at no more of a long text than it takes to say no,
 * so that asking costs the limit, not the text.
 */
export function fitsTokens(text: string, limit: number): boolean {
  const head = limit * GENEROUS_CHARACTERS_PER_TOKEN;
  if (text.length > head && estimateTokens(text.slice(0, head)) > 2 * limit) return false;
  return estimateTokens(text) <= limit;
}
