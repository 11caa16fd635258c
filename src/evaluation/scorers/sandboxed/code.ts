import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { extractCode } from "#src/evaluation/extract/text-extractors.ts";
import { runLimitedCommand } from "#src/evaluation/sandbox/run-command.ts";
import { scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer } from "#src/evaluation/scorers/define-scorer.ts";
import { SANDBOX_OPTIONS, type ScorerResources } from "./sandbox-options.ts";

interface Language {
  /** Reads the program from stdin. */
  readonly command: readonly string[];
  readonly print: (text: string) => string;
  readonly definition: (name: string) => RegExp;
}

const LANGUAGES: Readonly<Record<"python" | "javascript", Language>> = {
  python: {
    command: ["python3", "-"],
    print: (text) => `print("\\n${text}")`,
    definition: (name) => new RegExp(`^[ \\t]*(?:async\\s+)?(?:def|class)\\s+${name}\\b|^${name}\\s*=`, "m"),
  },
  javascript: {
    // The process may read files but neither write any nor start processes.
    command: [process.execPath, "--permission", "--allow-fs-read=*", "--input-type=commonjs", "-"],
    print: (text) => `console.log("\\n${text}");`,
    definition: (name) => new RegExp(`\\b(?:function\\*?|class|const|let|var)\\s+${name}\\b`),
  },
};

export function createCodeScorer({ environment }: Pick<ScorerResources, "environment">): ScorerType {
  return defineScorer({
    type: "code",
    summary:
      "The code in the answer passes the tests of the dataset item, as in HumanEval; each item runs in its own process.",
    range: "binary",
    options: {
      language: z.enum(["python", "javascript"]).default("python").describe("`python` needs `python3`"),
      testField: z.string().default("test").describe("dataset field with the tests; they fail by throwing"),
      promptField: z
        .string()
        .default("prompt")
        .describe(
          "dataset field with the beginning of the program, used if the answer does not define the function itself",
        ),
      entryPointField: z
        .string()
        .default("entry_point")
        .describe("dataset field with the name of the function; the tests' `check` is called with it"),
      ...SANDBOX_OPTIONS,
    },
    create({ language: name, testField, promptField, entryPointField, timeLimit, memoryLimit }) {
      const language = LANGUAGES[name];
      return async (text, { fields }, signal) => {
        const tests = fields[testField];
        if (typeof tests !== "string") return scoringError(`the item has no text in the field "${testField}"`);
        const answer = extractCode(text);
        if (answer.trim() === "") return unparseable("the answer has no code");
        const marker = randomUUID();
        const entryPoint = readText(fields[entryPointField]);
        if (entryPoint !== undefined && !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(entryPoint))
          return scoringError(`the field "${entryPointField}" is not the name of a function`);
        const program = [
          completeProgram(language, answer, readText(fields[promptField]), entryPoint),
          tests,
          entryPoint !== undefined && /\bcheck\b/.test(tests) ? `check(${entryPoint})` : "",
          // The answer may end the process with code 0 before its tests run.
          language.print(marker),
        ].join("\n\n");
        const limits = { timeMs: timeLimit * 1000, memoryMb: memoryLimit };
        const result = await runInFolder({ ...limits, command: language.command, input: program, environment, signal });
        if (result.code === 126 || result.code === 127)
          return scoringError(`cannot run ${language.command[0]}: ${result.error}`);
        if (result.status === "timeout") return scored(0, undefined, `the tests took longer than ${timeLimit} s`);
        if (result.code === 0 && result.stdout.includes(marker)) return scored(1);
        return scored(
          0,
          undefined,
          result.error || `the program ended with ${result.code} before the end of its tests`,
        );
      };
    },
  });
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function completeProgram(
  language: Language,
  answer: string,
  prompt: string | undefined,
  entryPoint: string | undefined,
): string {
  if (prompt === undefined || entryPoint === undefined || !language.definition(entryPoint).test(prompt)) return answer;
  return language.definition(entryPoint).test(answer) ? answer : `${prompt}${answer}`;
}

/** Files that the program writes are in a folder of its own, which is removed. */
async function runInFolder(options: Omit<Parameters<typeof runLimitedCommand>[0], "cwd">) {
  const cwd = await mkdtemp(join(tmpdir(), "sluice-code-"));
  try {
    return await runLimitedCommand({ ...options, cwd });
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
