import { z } from "zod";
import { normalizeAnswerText } from "#src/evaluation/extract/normalize.ts";
import { defineScorer, scoreBest } from "#src/evaluation/scorers/define-scorer.ts";

export const levenshtein = defineScorer({
  type: "levenshtein",
  summary: "Similarity to a target: 1 minus the edit distance divided by the length of the longer text.",
  range: "fraction",
  extracts: true,
  options: {
    ignoreCase: z.boolean().default(false).describe("ignore the case of letters"),
    maxEdits: z.int().min(0).optional().describe("score 1 up to this edit distance, otherwise 0"),
  },
  create({ ignoreCase, maxEdits }) {
    const normalize = (text: string) =>
      ignoreCase ? normalizeAnswerText(text).toLowerCase() : normalizeAnswerText(text);
    return (text, { targets }) => {
      const answer = normalize(text);
      return scoreBest(targets, answer, (target) => {
        const [from, to] = [[...answer], [...normalize(target)]];
        const edits = countEdits(from, to);
        if (maxEdits !== undefined) return edits <= maxEdits ? 1 : 0;
        return edits === 0 ? 1 : 1 - edits / Math.max(from.length, to.length);
      });
    };
  },
});

/** Insertions, deletions, and substitutions of code points that turn one text into the other. */
export function countEdits(from: readonly string[], to: readonly string[]): number {
  let start = 0;
  let [fromEnd, toEnd] = [from.length, to.length];
  while (start < Math.min(fromEnd, toEnd) && from[start] === to[start]) start += 1;
  while (Math.min(fromEnd, toEnd) > start && from[fromEnd - 1] === to[toEnd - 1]) {
    fromEnd -= 1;
    toEnd -= 1;
  }
  const width = toEnd - start;
  const row = Uint32Array.from({ length: width + 1 }, (_, column) => column);
  for (let i = start; i < fromEnd; i += 1) {
    let diagonal = row[0] ?? 0;
    row[0] = diagonal + 1;
    for (let j = 1; j <= width; j += 1) {
      const above = row[j] ?? 0;
      const substituted = diagonal + (from[i] === to[start + j - 1] ? 0 : 1);
      row[j] = Math.min(above + 1, (row[j - 1] ?? 0) + 1, substituted);
      diagonal = above;
    }
  }
  return row[width] ?? 0;
}
