import { z } from "zod";
import { defineScorer, scoreBest } from "#src/evaluation/scorers/define-scorer.ts";
import { countNgrams, countShared, fMeasure } from "./ngrams.ts";

const CHARACTER_ORDER = 6;
/** Recall counts twice as much as precision: chrF2. */
const BETA = 2;

export const chrf = defineScorer({
  type: "chrf",
  summary: "Character n-grams shared with the best target (chrF2, as sacrebleu's), divided by 100.",
  range: "fraction",
  extracts: true,
  options: {
    words: z.int().min(0).max(4).default(0).describe("longest word n-gram that counts too; 2 is chrF++"),
    ignoreCase: z.boolean().default(false).describe("ignore the case of letters"),
  },
  create({ words, ignoreCase }) {
    const count = (text: string) => countAllNgrams(ignoreCase ? text.toLowerCase() : text, words);
    return (text, { targets }) => {
      const answer = count(text);
      return scoreBest(targets, text.trim(), (target) => compareNgramCounts(answer, count(target)));
    };
  },
});

interface NgramCounts {
  readonly total: number;
  readonly counts: ReadonlyMap<string, number>;
}

function countAllNgrams(text: string, wordOrder: number): NgramCounts[] {
  const characters = [...text.replace(/\s+/g, "")];
  const words = text.split(/\s+/).flatMap(splitPunctuationOff);
  const count = (tokens: readonly string[], order: number, separator: string) =>
    Array.from({ length: order }, (_, i) => ({
      total: Math.max(0, tokens.length - i),
      counts: countNgrams(tokens, i + 1, separator),
    }));
  return [...count(characters, CHARACTER_ORDER, ""), ...count(words, wordOrder, " ")];
}

/** Averages precision and recall over the orders that both texts are long enough for. */
function compareNgramCounts(answer: readonly NgramCounts[], target: readonly NgramCounts[]): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (const [i, { total, counts }] of answer.entries()) {
    const wanted = target[i];
    if (total === 0 || wanted === undefined || wanted.total === 0) continue;
    const shared = countShared(counts, wanted.counts);
    precision += shared / total;
    recall += shared / wanted.total;
    orders += 1;
  }
  return orders === 0 ? 0 : fMeasure(precision / orders, recall / orders, BETA);
}

const PUNCTUATION = /[!-/:-@[-`{-~]/;

/** Splits one punctuation mark off, at the end before the start, as chrF++ does. */
function splitPunctuationOff(word: string): string[] {
  if (word.length <= 1) return word === "" ? [] : [word];
  const [first, last] = [word.slice(0, 1), word.slice(-1)];
  if (PUNCTUATION.test(last)) return [word.slice(0, -1), last];
  return PUNCTUATION.test(first) ? [first, word.slice(1)] : [word];
}
