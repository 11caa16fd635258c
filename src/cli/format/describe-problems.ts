import type { Plan } from "#src/producer/plan/plan.ts";
import { formatCount, formatMany } from "./format-number.ts";
import { sanitize } from "./sanitize.ts";

const SHOWN_PROBLEMS = 20;

/** The problems of an input, each with its file and line. Problems with the same message are shown once. */
export function describeProblems({ problems, problemCount }: Pick<Plan, "problems" | "problemCount">): string {
  const groups = [...Map.groupBy(problems, ({ message }) => message).values()].slice(0, SHOWN_PROBLEMS);
  const lines = groups.map(([{ where, message } = NO_PROBLEM, ...others]) => {
    const more = others.length > 0 ? ` (and ${formatCount(others.length)} more like this)` : "";
    return `  ${sanitize(where)}: ${sanitize(message)}${more}`;
  });
  const more = problemCount - groups.reduce((sum, group) => sum + group.length, 0);
  return [
    `sluice: the input has ${formatMany(problemCount, "problem")}; nothing was sent`,
    ...lines,
    ...(more > 0 ? [`  ... and ${formatCount(more)} more`] : []),
    "  Fix the input, or skip invalid entries with --skip-invalid.",
    "",
  ].join("\n");
}

const NO_PROBLEM = { where: "", message: "" };
