import { z } from "zod";
import { normalizeAnswerText } from "#src/evaluation/extract/normalize.ts";
import { PatternRunner } from "#src/evaluation/sandbox/pattern-runner.ts";
import { scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import { defineScorer, scoreBest } from "#src/evaluation/scorers/define-scorer.ts";
import { OptionError } from "#src/evaluation/scorers/scorer-options.ts";
import type { ScorerResources } from "./sandbox-options.ts";

export function createPatternScorer(resources: Pick<ScorerResources, "onClose" | "patternRunners">): ScorerType {
  return defineScorer({
    type: "pattern",
    summary: "What a regular expression finds in the answer equals a target. The expression runs with a time limit.",
    range: "binary",
    options: {
      pattern: z.string().min(1).describe("a JavaScript regular expression"),
      flags: z
        .string()
        .regex(/^[imsuv]*$/, "may contain i, m, s, u, and v")
        .default("")
        .describe("flags of the expression"),
      group: z
        .union([z.int().min(0), z.string()])
        .optional()
        .describe("number or name of the group that is compared; default: the first group, or the whole match"),
      position: z.enum(["first", "last"]).default("first").describe("which match counts"),
      mode: z
        .enum(["equals", "matches"])
        .default("equals")
        .describe("`matches`: score 1 if the expression matches, otherwise 0; targets are ignored"),
      ignoreCase: z.boolean().default(true).describe("ignore the case of letters when comparing with a target"),
      timeLimit: z.number().positive().max(600).default(5).describe("seconds per sample"),
    },
    create({ pattern, flags, group, position, mode, ignoreCase, timeLimit }) {
      checkPattern(pattern, flags, group);
      const runner = resources.patternRunners?.get(timeLimit) ?? new PatternRunner(timeLimit * 1000);
      resources.patternRunners?.set(timeLimit, runner);
      resources.onClose(() => runner.close());
      const normalize = (text: string) =>
        ignoreCase ? normalizeAnswerText(text).toLowerCase() : normalizeAnswerText(text);
      return async (text, { targets }, signal) => {
        const result = await runner.run({ source: pattern, flags: `g${flags}`, text, position }, signal);
        if (result.status === "failed") return scoringError(`the pattern was stopped: ${result.reason}`);
        const match = result.value;
        if (mode === "matches") return scored(match ? 1 : 0, match?.groups[0]);
        const found =
          typeof group === "string" ? match?.named[group] : match?.groups[group ?? (match.groups.length > 1 ? 1 : 0)];
        if (found === undefined)
          return unparseable(match ? "the group of the pattern matched nothing" : "the pattern does not match");
        const answer = normalize(found);
        return scoreBest(targets, normalizeAnswerText(found), (target) => (normalize(target) === answer ? 1 : 0));
      };
    },
  });
}

function checkPattern(pattern: string, flags: string, group: number | string | undefined): void {
  let groups: RegExpExecArray | null;
  try {
    new RegExp(pattern, flags);
    // The empty alternative always matches, and the match has all groups.
    groups = new RegExp(`${pattern}|`, flags).exec("");
  } catch (error) {
    throw new OptionError(["pattern"], error instanceof Error ? error.message : String(error));
  }
  const isKnown =
    typeof group === "string" ? groups?.groups && group in groups.groups : (group ?? 0) < (groups?.length ?? 1);
  if (!isKnown) throw new OptionError(["group"], `the pattern has no group ${JSON.stringify(group)}`);
}
