import { requireLanes } from "#src/cli/wiring/lanes.ts";
import type { Config } from "#src/config/config.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import type { RunLane } from "#src/producer/runs/run-environment.ts";

/** The lanes of all models of a run. Throws one ConfigError with everything that is missing for any of them. */
export function requireRunLanes(config: Config, models: readonly string[]): readonly RunLane[] {
  const problems = new Set<string>();
  const lanes = models.flatMap((model) => {
    try {
      return requireLanes(config, model);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return [];
    }
  });
  if (problems.size > 0) throw new ConfigError([...problems]);
  return lanes;
}
