import { z } from "zod";
import { scored } from "#src/evaluation/score.ts";
import { defineScorer, NO_TARGET } from "#src/evaluation/scorers/define-scorer.ts";
import { countNgrams } from "./ngrams.ts";

const LONGEST_NGRAM = 4;

export const bleu = defineScorer({
  type: "bleu",
  summary:
    "Sentence BLEU against all targets, as sacrebleu's with effective order and exponential smoothing, divided by 100.",
  range: "fraction",
  extracts: true,
  options: {
    tokenizer: z
      .enum(["auto", "13a", "zh", "char", "none"])
      .default("auto")
      .describe("sacrebleu's name; `auto`: `zh` if a target contains Chinese characters, otherwise `13a`"),
    ignoreCase: z.boolean().default(false).describe("ignore the case of letters"),
  },
  create({ tokenizer, ignoreCase }) {
    return (text, { targets }) => {
      if (targets.length === 0) return NO_TARGET;
      const chosen =
        tokenizer === "auto" ? (targets.some((each) => /\p{Script=Han}/u.test(each)) ? "zh" : "13a") : tokenizer;
      const split = (each: string) => BLEU_TOKENIZERS[chosen]((ignoreCase ? each.toLowerCase() : each).trimEnd());
      return scored(sentenceBleu(split(text), targets.map(split)), text.trim());
    };
  },
});

/** Papineni et al. 2002 with the smoothing of NIST's mteval-v13a: the k-th order without a match counts as 1 / 2^k of a match. */
function sentenceBleu(answer: readonly string[], references: readonly (readonly string[])[]): number {
  let [logSum, orders, smoothing, hasMatch] = [0, 0, 1, false];
  for (let size = 1; size <= Math.min(LONGEST_NGRAM, answer.length); size += 1) {
    const best = new Map<string, number>();
    for (const reference of references)
      for (const [ngram, count] of countNgrams(reference, size)) best.set(ngram, Math.max(count, best.get(ngram) ?? 0));
    let matches = 0;
    for (const [ngram, count] of countNgrams(answer, size)) matches += Math.min(count, best.get(ngram) ?? 0);
    if (matches > 0) hasMatch = true;
    else smoothing *= 2;
    logSum += Math.log((matches > 0 ? matches : 1 / smoothing) / (answer.length - size + 1));
    orders += 1;
  }
  if (!hasMatch) return 0;
  const length = closestLength(answer.length, references);
  const brevityPenalty = answer.length < length ? Math.exp(1 - length / answer.length) : 1;
  return Math.min(1, brevityPenalty * Math.exp(logSum / orders));
}

/** The shorter one of two equally close lengths. */
function closestLength(length: number, references: readonly (readonly string[])[]): number {
  const distance = (other: number) => Math.abs(other - length);
  return references
    .map((reference) => reference.length)
    .reduce((best, each) =>
      distance(each) < distance(best) || (distance(each) === distance(best) && each < best) ? each : best,
    );
}

const BLEU_TOKENIZERS: Readonly<Record<"13a" | "zh" | "char" | "none", (text: string) => string[]>> = {
  "13a": (text) =>
    splitPunctuation(
      ` ${text
        .replaceAll("<skipped>", "")
        .replaceAll("-\n", "")
        .replaceAll("\n", " ")
        .replaceAll("&quot;", '"')
        .replaceAll("&amp;", "&")
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")} `,
    ),
  zh: (text) => splitPunctuation(text.trim().replace(WIDE_CHARACTER, " $& ")),
  char: (text) => [...text].filter((each) => each.trim() !== ""),
  none: (text) => split(text),
};

/** The ranges of sacrebleu, including the symbols from U+2001 that it treats as Chinese, and the planes for rare characters. */
const WIDE_CHARACTER =
  /[\u2001-\u2a6d\u2e80-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef\u{20000}-\u{2fa1f}]/gu;

/** The language-independent part of mteval-v13a. */
function splitPunctuation(text: string): string[] {
  return split(
    text
      .replace(/[{-~[-` -&(-+:-@/]/g, " $& ")
      .replace(/([^0-9])([.,])/g, "$1 $2 ")
      .replace(/([.,])([^0-9])/g, " $1 $2")
      .replace(/([0-9])(-)/g, "$1 $2 "),
  );
}

function split(text: string): string[] {
  return text.split(/\s+/).filter((token) => token !== "");
}
