import { estimateTokenCount } from "tokenx";
import { countCommonTokens } from "./scan-tokens.ts";

/**
 * Tokens a text probably has, at least 1. An estimate from the shapes of words and characters: every provider has a
 * tokenizer of its own, and what it charged is in its answer.
 */
export function estimateTokens(text: string): number {
  return Math.max(1, countCommonTokens(text) ?? estimateTokenCount(text));
}

/** Characters of a long text that are looked at first, for each token of the limit; ordinary text needs four. */
const SAMPLE_CHARACTERS_PER_TOKEN = 6;
/** How far over the limit the glance must be to decide; it may have cut its last word in two. */
const SAMPLE_MARGIN = 1.25;

/**
 * The estimated tokens of a text that has at most `limit` of them, else undefined. Looks at no more of an ordinary
 * long text than it takes to say no: estimating is most of what planning costs.
 */
export function countTokensUpTo(text: string, limit: number): number | undefined {
  const sampleLength = limit * SAMPLE_CHARACTERS_PER_TOKEN;
  if (text.length > 2 * sampleLength && estimateTokens(text.slice(0, sampleLength)) > limit * SAMPLE_MARGIN)
    return undefined;
  const tokens = estimateTokens(text);
  return tokens <= limit ? tokens : undefined;
}
