import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { ScriptRunner } from "#src/evaluation/sandbox/script-runner.ts";
import { scoringError } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer } from "#src/evaluation/scorers/define-scorer.ts";
import { OptionError } from "#src/evaluation/scorers/scorer-options.ts";
import { SANDBOX_OPTIONS, type ScorerResources } from "./sandbox-options.ts";
import { createUserContext, parseUserScore } from "./user-score.ts";

export function createJavascriptScorer(resources: ScorerResources): ScorerType {
  return defineScorer({
    type: "javascript",
    summary: "A JavaScript or TypeScript function of yours, in its own process: (output, context) => score.",
    range: "number",
    options: {
      file: z.string().min(1).optional().describe("module whose default export, or export `score`, is the function"),
      code: z
        .string()
        .min(1)
        .optional()
        .describe("instead of `file`: an expression, or statements with `return`, of `output` and `context`"),
      ...SANDBOX_OPTIONS,
    },
    create({ file, code, timeLimit, memoryLimit }) {
      const source = readSource(resources.baseDir, file, code);
      const { baseDir: cwd, environment } = resources;
      const limits = { timeMs: timeLimit * 1000, memoryMb: memoryLimit };
      const key = JSON.stringify(limits);
      const runner = resources.scriptRunners?.get(key) ?? new ScriptRunner({ ...limits, cwd, environment });
      resources.scriptRunners?.set(key, runner);
      resources.onClose(() => runner.close());
      return async (output, sample, signal) => {
        const result = await runner.run({ source, output, context: createUserContext(sample) }, signal);
        if (result.status === "failed") return scoringError(`the function was stopped: ${result.reason}`);
        if (result.value.status === "threw") return scoringError(`the function threw ${result.value.message}`);
        return parseUserScore(result.value.value);
      };
    },
  });
}

function readSource(baseDir: string, file: string | undefined, code: string | undefined) {
  if (code !== undefined && file === undefined) return { code };
  if (file === undefined || code !== undefined) throw new OptionError(["file"], "give either file or code");
  const path = resolve(baseDir, file);
  if (!existsSync(path)) throw new OptionError(["file"], `no such file: ${path}`);
  return { file: path };
}
