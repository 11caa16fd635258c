import { z } from "zod";
import type { NumberToken } from "#src/evaluation/extract/numbers.ts";
import { readNumber } from "#src/evaluation/extract/read-number.ts";
import { scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import { defineScorer, NO_TARGET } from "./define-scorer.ts";

const NUMERIC_OPTIONS = {
  tolerance: z.number().min(0).default(0).describe("largest accepted difference"),
  relativeTolerance: z.number().min(0).default(1e-9).describe("largest accepted difference, as a share of the target"),
  position: z
    .enum(["answer", "first", "last"])
    .default("answer")
    .describe(
      "which number counts: the marked answer (otherwise the last number), or always the first or the last one",
    ),
  percent: z
    .enum(["either", "fraction", "number"])
    .default("either")
    .describe("what 50% equals: `fraction`: 0.5, `number`: 50, `either`: both"),
};
type NumericOptions = z.output<z.ZodObject<typeof NUMERIC_OPTIONS>>;

export const numeric = defineScorer({
  type: "numeric",
  summary: "The number that the text gives as its answer equals a target, in any notation.",
  range: "binary",
  options: NUMERIC_OPTIONS,
  create(options) {
    const readTarget = rememberLast((target: string) => {
      const reading = readNumber(target);
      return reading.status === "found" ? reading.answer : undefined;
    });
    return (text, { targets }) => {
      if (targets.length === 0) return NO_TARGET;
      const reading = readNumber(text, options.position);
      if (reading.status === "none") return unparseable("the text has no number");
      if (reading.status === "ambiguous") return unparseable(reading.reason);
      const { answer } = reading;
      let isRight = false;
      for (const target of targets) {
        const wanted = readTarget(target);
        if (wanted === undefined)
          return scoringError(`the target ${JSON.stringify(target)} is not a number`, answer.text);
        isRight ||= areEqualNumbers(answer, wanted, options);
      }
      return scored(isRight ? 1 : 0, answer.text);
    };
  },
});

export function areEqualNumbers(
  answer: NumberToken,
  target: NumberToken,
  options: Omit<NumericOptions, "position">,
): boolean {
  // Integers of more than 15 digits differ only in their text.
  if (answer.text === target.text) return true;
  if (/^-?\d{16,}$/.test(answer.text) && /^-?\d{16,}$/.test(target.text) && options.tolerance === 0) return false;
  const isClose = (a: number, b: number) =>
    Math.abs(a - b) <= Math.max(options.tolerance, options.relativeTolerance * Math.abs(b));
  if (answer.isPercent === target.isPercent) return isClose(answer.value, target.value);
  const [percent, plain] = answer.isPercent ? [answer, target] : [target, answer];
  const values =
    options.percent === "either"
      ? [percent.value, percent.value / 100]
      : [options.percent === "number" ? percent.value : percent.value / 100];
  return values.some((value) => (answer.isPercent ? isClose(value, plain.value) : isClose(plain.value, value)));
}

/** Samples of one item follow each other, and have the same targets. */
function rememberLast<T>(read: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly value: T } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) };
    return last.value;
  };
}
