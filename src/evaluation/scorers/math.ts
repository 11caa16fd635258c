import { z } from "zod";
import { parseExpression } from "#src/evaluation/extract/expression.ts";
import { cleanExpression, isBracketed, readMath, splitList } from "#src/evaluation/extract/read-math.ts";
import { scored, unparseable } from "#src/evaluation/score.ts";
import { defineScorer, NO_TARGET } from "./define-scorer.ts";

export const math = defineScorer({
  type: "math",
  summary:
    "The expression that the text gives as its answer (LaTeX or plain) is equal to a target: numbers, terms, lists, and intervals.",
  range: "binary",
  options: {
    relativeTolerance: z
      .number()
      .min(0)
      .default(1e-9)
      .describe("largest accepted difference, as a share of the target"),
  },
  create({ relativeTolerance }) {
    return (text, { targets }) => {
      if (targets.length === 0) return NO_TARGET;
      const reading = readMath(text);
      if (reading.status === "none") return unparseable("the text has no expression");
      if (reading.status === "ambiguous") return unparseable(reading.reason);
      const { answer } = reading;
      const isRight = targets.some((target) => {
        const wanted = readMath(target);
        return areEqualExpressions(
          answer,
          wanted.status === "found" ? wanted.answer : cleanExpression(target),
          relativeTolerance,
        );
      });
      return scored(isRight ? 1 : 0, answer);
    };
  },
});

function areEqualExpressions(answer: string, target: string, tolerance: number): boolean {
  const compact = (text: string) => text.replace(/\s+/g, "").toLowerCase();
  if (compact(answer) === compact(target)) return true;
  const [answers, targets] = [splitList(expandSigns(answer)), splitList(expandSigns(target))];
  if (answers.length !== targets.length) return false;
  if (answers.length === 1) return areEqualTerms(answer, target, tolerance);
  const isEqual = (a: string, b: string) => areEqualExpressions(a, b, tolerance);
  const [brackets, wantedBrackets] = [outerBrackets(answer), outerBrackets(target)];
  // Solutions ("1, 2") and sets have no order; tuples and intervals have one.
  const isOrdered = /[([]/.test(wantedBrackets);
  if (isOrdered) return brackets === wantedBrackets && answers.every((each, i) => isEqual(each, targets[i] ?? ""));
  return /^[({]?[)}]?$/.test(brackets) && targets.every((each) => answers.some((other) => isEqual(other, each)));
}

function outerBrackets(text: string): string {
  return isBracketed(text) ? `${text.at(0)}${text.at(-1)}` : "";
}

/** "±2" are the two numbers 2 and -2; "1±√2" are 1+√2 and 1-√2. */
function expandSigns(text: string): string {
  return text.includes("±") && !isBracketed(text)
    ? `${text.replaceAll("±", "+")}, ${text.replaceAll("±", "-")}`.replace(/^\+/, "")
    : text;
}

/** Terms are compared at points where no simple ones happen to agree; numbers have no variables, so every point is the same. */
const POINTS: readonly number[] = [0.7390851332, 1.6180339887, 2.6854520011];

function areEqualTerms(answer: string, target: string, tolerance: number): boolean {
  const [left, right] = [splitEquation(answer), splitEquation(target)];
  if (left.length !== right.length) return false;
  return left.every((side, i) => {
    const [a, b] = [parseExpression(side), parseExpression(right[i] ?? "")];
    if (!a || !b) return side.replace(/\s/g, "") === right[i]?.replace(/\s/g, "");
    return POINTS.every((point) => {
      const variable = (name: string) => point + (name.codePointAt(0) ?? 0) / 97;
      const [x, y] = [a(variable), b(variable)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y) && side === right[i];
      return x === y || Math.abs(x - y) <= tolerance * Math.max(Math.abs(y), 1e-9);
    });
  });
}

function splitEquation(text: string): string[] {
  return text.split(/[=<>≤≥]/);
}
