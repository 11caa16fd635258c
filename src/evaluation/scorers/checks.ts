import { z } from "zod";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { scored, scoringError } from "#src/evaluation/score.ts";
import type { CreatedScorer, Scorer, ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer } from "./define-scorer.ts";

const checkSchema = z.looseObject({
  type: z.string(),
  targets: z.array(z.string()).default([]),
  /** The check passes if the scorer's does not. */
  negate: z.boolean().default(false),
  /** Score from which it passes; by default every score above 0. */
  pass: z.number().optional(),
  weight: z.number().min(0).default(1),
});
const checksSchema = z.union([
  z.array(checkSchema).transform((checks) => ({ checks, threshold: undefined })),
  z.strictObject({ checks: z.array(checkSchema), threshold: z.number().optional() }),
]);

type Check = z.output<typeof checkSchema>;

/** Creates the scorer of one check. */
export type CreateCheck = (name: string, type: string, options: unknown) => CreatedScorer;

/** Rows with scorers of their own, as in promptfoo's tests. */
export function createChecksScorer(create: CreateCheck): ScorerType {
  return defineScorer({
    type: "checks",
    summary: "The answer passes all checks that its row lists, each with a type of scorer, its options, and targets.",
    range: "binary",
    options: {
      field: z
        .string()
        .default("checks")
        .describe(
          "dataset field with the checks: a list of `{type, targets, negate, pass, weight}` with the options of the type, or `{checks, threshold}` if a weighted share of them is enough",
        ),
    },
    create({ field }) {
      const known = new Map<string, CreatedScorer>();
      const find = ({ type, targets: _, negate: __, pass: ___, weight: ____, ...options }: Check) => {
        const key = JSON.stringify([type, options]);
        const found = known.get(key) ?? create(type, type, options);
        known.set(key, found);
        return found;
      };
      return async (_text, sample, signal) => {
        const { success, data } = checksSchema.safeParse(sample.fields[field]);
        if (!success) return scoringError(`the field "${field}" is not a list of checks`);
        if (data.checks.length === 0) return scoringError("the row has no checks");
        const failed: string[] = [];
        let [passed, total] = [0, 0];
        for (const [i, check] of data.checks.entries()) {
          const { scorer, problems } = find(check);
          const name = `check ${i + 1} (${check.negate ? "not " : ""}${check.type})`;
          if (!scorer) return scoringError(`${name}: ${problems[0]?.message ?? "invalid"}`);
          const result = await runCheck(scorer, check, sample, signal);
          if (typeof result === "string") return scoringError(`${name}: ${result}`);
          total += check.weight;
          if (result) passed += check.weight;
          // A check without weight is only informative.
          else if (check.weight > 0) failed.push(name);
        }
        const { threshold } = data;
        const isPassed = threshold === undefined ? failed.length === 0 : passed >= threshold * total - 1e-9;
        return scored(isPassed ? 1 : 0, undefined, failed.length === 0 ? undefined : `failed: ${failed.join(", ")}`);
      };
    },
  });
}

/** Whether the check passes, or why it could not run. An answer that its scorer cannot read does not pass. */
async function runCheck(
  scorer: Scorer,
  { targets, negate, pass }: Check,
  sample: AnsweredSample,
  signal: AbortSignal | undefined,
): Promise<boolean | string> {
  const score = await scorer.score({ ...sample, targets }, signal);
  if (score.status === "error") return score.explanation;
  const value = score.status === "scored" ? score.value : 0;
  return (pass === undefined ? value > 0 : value >= pass) !== negate;
}
