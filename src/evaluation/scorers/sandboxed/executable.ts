import { z } from "zod";
import { type CommandResult, runLimitedCommand } from "#src/evaluation/sandbox/run-command.ts";
import { scoringError } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer } from "#src/evaluation/scorers/define-scorer.ts";
import { SANDBOX_OPTIONS, type ScorerResources } from "./sandbox-options.ts";
import { createUserContext, parseUserScore } from "./user-score.ts";

export function createExecutableScorer(resources: ScorerResources): ScorerType {
  return defineScorer({
    type: "executable",
    summary:
      "A command of yours: it reads {output, context} as JSON from stdin, and its last line on stdout is the score as JSON.",
    range: "number",
    options: {
      command: z.array(z.string().min(1)).min(1).describe("the program and its arguments"),
      ...SANDBOX_OPTIONS,
    },
    create({ command, timeLimit, memoryLimit }) {
      const limits = { timeMs: timeLimit * 1000, memoryMb: memoryLimit };
      const { baseDir: cwd, environment } = resources;
      return async (output, sample, signal) => {
        const input = JSON.stringify({ output, context: createUserContext(sample) });
        const result = await runLimitedCommand({ ...limits, command, input, cwd, environment, signal });
        const failure = describeFailure(result, timeLimit);
        if (failure !== undefined) return scoringError(failure);
        const line = result.stdout.split("\n").findLast((each) => each.trim() !== "");
        try {
          return parseUserScore(JSON.parse(line ?? ""));
        } catch {
          return scoringError("the last line that the command wrote is not JSON");
        }
      };
    },
  });
}

function describeFailure({ status, code, error }: CommandResult, timeLimit: number): string | undefined {
  if (status === "timeout") return `the command took longer than ${timeLimit} s`;
  if (status === "too-much-output") return "the command wrote more than 4 MB";
  return code === 0 ? undefined : `the command ended with ${code}${error === "" ? "" : `: ${error}`}`;
}
