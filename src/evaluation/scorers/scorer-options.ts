import { z } from "zod";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { listSimilarNames } from "#src/core/similar-names.ts";
import type { OptionProblem, ScorerOption } from "#src/evaluation/scorer.ts";

/** An invalid option that its schema accepts. */
export class OptionError extends Error {
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** One problem, or one for each unknown option. */
export function describeOptionIssue(issue: z.core.$ZodIssue, known: readonly string[]): OptionProblem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code !== "unrecognized_keys") return [{ path, message: describeSchemaIssue(issue) }];
  return issue.keys.map((key) => ({ path: [...path, key], message: `unknown option; ${suggestNames(key, known)}` }));
}

/** "did you mean ...?", or all names if none is similar. */
export function suggestNames(name: string, known: readonly string[]): string {
  const similar = listSimilarNames(name, known).map((each) => `"${each}"`);
  return similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : `known: ${known.join(", ")}`;
}

export function describeOptions(shape: z.ZodRawShape): ScorerOption[] {
  return Object.entries(shape).map(([name, option]) => {
    const absent = z.safeParse(option, undefined);
    return {
      name,
      description: z.globalRegistry.get(option)?.description ?? "",
      default: absent.success && absent.data !== undefined ? JSON.stringify(absent.data) : undefined,
      isRequired: !absent.success,
    };
  });
}
