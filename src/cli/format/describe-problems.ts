import type { Plan } from "#src/producer/plan/plan.ts";
import { formatCount, formatMany } from "./format-number.ts";
import { sanitize } from "./sanitize.ts";

const SHOWN_PROBLEMS = 20;

/** The problems of an input, each with its file and line. */
export function describeProblems({ problems, problemCount }: Plan): string {
  const lines = problems
    .slice(0, SHOWN_PROBLEMS)
    .map(({ where, message }) => `  ${sanitize(where)}: ${sanitize(message)}`);
  const more = problemCount - lines.length;
  return [
    `sluice: the input has ${formatMany(problemCount, "problem")}; nothing was sent`,
    ...lines,
    ...(more > 0 ? [`  ... and ${formatCount(more)} more`] : []),
    "  Fix the input, or skip invalid entries with --skip-invalid.",
    "",
  ].join("\n");
}
