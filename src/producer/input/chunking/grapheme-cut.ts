const SEGMENTER = new Intl.Segmenter("und", { granularity: "grapheme" });
/** Code units around a cut that are segmented; the longest emoji have about 30. */
const [BEFORE, AFTER] = [64, 32];

/** Returns whether a cut at `at` would split a surrogate pair. */
export function isInsideSurrogatePair(text: string, at: number): boolean {
  return at > 0 && at < text.length && (text.codePointAt(at - 1) ?? 0) > 0xffff;
}

/**
 * Returns the last place up to `at` that does not split a character as readers see it (a grapheme cluster, such as an
 * emoji of several code points, or a letter with its marks). 0 if the first character of the text is longer.
 */
export function findCutBefore(text: string, at: number): number {
  if (at <= 0 || at >= text.length) return Math.max(0, Math.min(at, text.length));
  if (isSimple(text.charCodeAt(at - 1)) && isSimple(text.charCodeAt(at))) return at;
  let from = at - 1;
  // A cluster starts at a simple character, so the text in front of it does not matter.
  while (from > 0 && from > at - BEFORE && !isSimple(text.charCodeAt(from))) from -= 1;
  if (isInsideSurrogatePair(text, from)) from -= 1;
  const cluster = SEGMENTER.segment(text.slice(from, at + AFTER)).containing(at - from);
  return cluster === undefined ? at : from + cluster.index;
}

/** Returns the first place after `start` that does not split a character. */
export function findCutAfter(text: string, start: number): number {
  const cluster = SEGMENTER.segment(text.slice(start, start + BEFORE)).containing(0);
  const end = start + Math.max(1, cluster?.segment.length ?? 1);
  return isInsideSurrogatePair(text, end) ? end + 1 : end;
}

/** Printable ASCII and Chinese characters never continue the character in front of them. */
function isSimple(code: number): boolean {
  return (code >= 0x20 && code < 0x7f) || (code >= 0x4e00 && code <= 0x9fff);
}
