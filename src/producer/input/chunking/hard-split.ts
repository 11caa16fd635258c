import { countTokensUpTo, estimateTokens } from "./estimate-tokens.ts";
import { findCutBefore, isInsideSurrogatePair } from "./grapheme-cut.ts";

/**
 * Splits a text without separators into parts of at most `limit` estimated tokens, between whole characters. A single
 * character with more tokens than the limit is a separate part.
 */
export function splitByCharacters(text: string, limit: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (countTokensUpTo(rest, limit) === undefined) {
    const end = findLongestFit(rest, limit);
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
    if (rest === "") return parts;
  }
  parts.push(rest);
  return parts;
}

/** Finds by bisection the length of a prefix that fits; at least one code point. */
function findLongestFit(text: string, limit: number): number {
  const least = isInsideSurrogatePair(text, 1) ? 2 : 1;
  let fits = least;
  let tooLong = Math.min(text.length, limit * 16) + 1;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (estimateTokens(text.slice(0, middle)) <= limit) fits = middle;
    else tooLong = middle;
  }
  // Only a character with more tokens than the limit is split.
  const whole = findCutBefore(text, fits);
  const end = whole > 0 ? whole : isInsideSurrogatePair(text, fits) ? fits - 1 : fits;
  // The estimate is not monotonic in the length, so the cut is checked again.
  return end >= least && estimateTokens(text.slice(0, end)) <= limit ? end : least;
}
