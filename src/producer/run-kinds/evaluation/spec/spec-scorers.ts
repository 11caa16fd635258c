import { ConfigError } from "#src/core/failures/errors.ts";
import type { Scorer } from "#src/evaluation/scorer.ts";
import type { ScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import type { EvaluationSpec } from "./evaluation-spec.ts";

/** Creates the scorers of a spec. Throws a ConfigError with all problems of their options, each with file, line, and path. */
export function createSpecScorers(spec: EvaluationSpec, registry: ScorerRegistry): Scorer[] {
  const problems: string[] = [];
  const scorers = Object.entries(spec.scorers).flatMap(([name, { type, ...options }]) => {
    const created = registry.create(name, type, options);
    if (created.scorer) return [created.scorer];
    for (const { path, message } of created.problems) problems.push(spec.locate(["scorers", name, ...path], message));
    return [];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return scorers;
}
