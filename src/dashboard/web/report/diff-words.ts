/** A part of a text, and whether the other text lacks it. */
export interface DiffPart {
  readonly text: string;
  readonly isDifferent: boolean;
}

/** Chinese characters are compared one by one, other texts by words. */
const TOKENS = /\p{Script=Han}|[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;
/** Texts that differ in more words than this are shown as different from the first to the last difference. */
const MAX_EDITS = 400;

/** Splits `text` into parts that `reference` has in the same order, and parts that it lacks (Myers' algorithm). */
export function diffWords(text: string, reference: string): DiffPart[] {
  const own = text.match(TOKENS) ?? [];
  const other = reference.match(TOKENS) ?? [];
  let start = 0;
  while (start < own.length && own[start] === other[start]) start += 1;
  let end = 0;
  const rest = Math.min(own.length, other.length) - start;
  while (end < rest && own[own.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const middle = own.slice(start, own.length - end);
  const shared = findShared(middle, other.slice(start, other.length - end));
  return joinParts([
    ...own.slice(0, start).map((token) => ({ text: token, isDifferent: false })),
    ...middle.map((token, i) => ({ text: token, isDifferent: !shared.has(i) })),
    ...own.slice(own.length - end).map((token) => ({ text: token, isDifferent: false })),
  ]);
}

/** Positions in `own` of a longest common subsequence; none if the lists differ too much. */
function findShared(own: readonly string[], other: readonly string[]): Set<number> {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  const limit = Math.min(MAX_EDITS, own.length + other.length);
  for (let edits = 0; edits <= limit; edits += 1) {
    trace.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = nextStart(furthest, diagonal, edits);
      while (x < own.length && x - diagonal < other.length && own[x] === other[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= own.length && x - diagonal >= other.length) return walkBack(trace, own.length, other.length);
    }
  }
  return new Set();
}

function nextStart(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): number {
  const [below = -1, above = -1] = [furthest.get(diagonal - 1), furthest.get(diagonal + 1)];
  return diagonal === -edits || (diagonal !== edits && below < above) ? above : below + 1;
}

function walkBack(trace: readonly ReadonlyMap<number, number>[], ownLength: number, otherLength: number): Set<number> {
  const shared = new Set<number>();
  let [x, y] = [ownLength, otherLength];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const furthest = trace[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const start = nextStart(furthest, diagonal, edits);
    while (x > start) {
      x -= 1;
      y -= 1;
      shared.add(x);
    }
    const [below = -1, above = -1] = [furthest.get(diagonal - 1), furthest.get(diagonal + 1)];
    const isDown = diagonal === -edits || (diagonal !== edits && below < above);
    if (isDown) y -= 1;
    else x -= 1;
  }
  return shared;
}

function joinParts(parts: readonly DiffPart[]): DiffPart[] {
  const joined: { text: string; isDifferent: boolean }[] = [];
  for (const { text, isDifferent } of parts) {
    const last = joined.at(-1);
    if (last?.isDifferent === isDifferent) last.text += text;
    else joined.push({ text, isDifferent });
  }
  return joined;
}
