import { z } from "zod";
import { splitWords } from "#src/evaluation/extract/words.ts";
import { defineScorer, scoreBest } from "#src/evaluation/scorers/define-scorer.ts";
import { countNgrams, countShared, fMeasure } from "./ngrams.ts";

export const rouge = defineScorer({
  type: "rouge",
  summary:
    "ROUGE F-measure against the best target, as rouge-score's without stemming; Chinese characters count as words.",
  range: "fraction",
  extracts: true,
  options: {
    variant: z
      .enum(["1", "2", "L"])
      .default("L")
      .describe("`1` or `2`: words or pairs of words; `L`: longest common subsequence"),
  },
  create({ variant }) {
    const compare = variant === "L" ? compareSequences : compareNgrams(Number(variant));
    return (text, { targets }) => {
      const answer = splitWords(text);
      return scoreBest(targets, text.trim(), (target) => compare(answer, splitWords(target)));
    };
  },
});

type Compare = (answer: readonly string[], target: readonly string[]) => number;

function compareNgrams(size: number): Compare {
  return (answer, target) => {
    const shared = countShared(countNgrams(answer, size), countNgrams(target, size));
    return fMeasure(share(shared, answer.length - size + 1), share(shared, target.length - size + 1));
  };
}

function compareSequences(answer: readonly string[], target: readonly string[]): number {
  const common = longestCommonSubsequence(answer, target);
  return fMeasure(share(common, answer.length), share(common, target.length));
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1);
  for (const token of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j += 1) {
      const above = row[j] ?? 0;
      row[j] = token === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1] ?? 0);
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}
