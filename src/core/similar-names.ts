/**
 * Finds the candidate that a misspelt word most likely stands for; undefined when none is close. Case, "-" and "_" are
 * ignored, so "requests_per_minute" finds "requestsPerMinute".
 */
export function findSimilarName(word: string, candidates: Iterable<string>): string | undefined {
  const input = normalizeName(word);
  // One edit per three letters is likely a typo; more edits make another word.
  let best = Math.max(1, Math.floor(input.length / 3)) + 1;
  let found: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(input, normalizeName(candidate), best);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

/** Returns up to `limit` candidates that are similar to `input`, the most similar first. */
export function listSimilarNames(input: string, candidates: readonly string[], limit = 3): string[] {
  const target = input.toLowerCase();
  return candidates
    .map((name) => ({ name, distance: nameDistance(target, name.toLowerCase()) }))
    .filter(({ distance }) => Number.isFinite(distance))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/**
 * The number of edits; infinite for names that are not similar. A name that contains the other ("embo-01" for
 * "minimax/embo-01") counts as one edit, and so does another path before the last part ("openai/embo-01").
 */
function nameDistance(input: string, known: string): number {
  if (input === known) return 0;
  if (input.length >= 3 && known.includes(input)) return 1;
  const limit = Math.max(2, Math.ceil(known.length / 3)) + 1;
  const distance = editDistance(input, known, limit);
  const [inputPart, knownPart] = [lastPart(input), lastPart(known)];
  const partLimit = Math.max(1, Math.floor(Math.min(inputPart.length, knownPart.length) / 4)) + 1;
  const partDistance = editDistance(inputPart, knownPart, partLimit);
  return Math.min(
    distance < limit ? distance : Number.POSITIVE_INFINITY,
    known.includes("/") && partDistance < partLimit ? partDistance + 1 : Number.POSITIVE_INFINITY,
  );
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function normalizeName(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/**
 * The edit distance of two words, with swaps of adjacent letters as one edit (optimal string alignment), up to `limit`.
 */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(at(last, j) + 1, at(current, j - 1) + 1, substitution, swap));
    }
    if (Math.min(...current) >= limit) return limit;
    beforeLast = last;
    last = current;
  }
  return Math.min(at(last, b.length), limit);
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.POSITIVE_INFINITY;
}
