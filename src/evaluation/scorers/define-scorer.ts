import { z } from "zod";
import { listSimilarNames } from "#src/core/similar-names.ts";
import { readAnswerText } from "#src/evaluation/extract/reasoning.ts";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { OptionProblem, ScoreRange, ScorerOption, ScorerType } from "#src/evaluation/scorer.ts";

/** Scores the text of an answer, without its reasoning unless that was requested. */
export type ScoreText = (text: string, sample: AnsweredSample, signal?: AbortSignal) => Score | Promise<Score>;

export interface ScorerDefinition<Shape extends z.ZodRawShape> {
  readonly type: string;
  readonly summary: string;
  readonly range: ScoreRange;
  /** Each option has a description. */
  readonly options: Shape;
  /** Throws an OptionError for options that only their combination or their content makes invalid. */
  create(options: z.output<z.ZodObject<Shape>>): ScoreText;
}

/** An invalid option that its schema accepts. */
export class OptionError extends Error {
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

const reasoning = z
  .boolean()
  .default(false)
  .describe("score the reasoning together with the answer; otherwise `<think>` blocks are removed");
const threshold = z.number().min(0).max(1).optional().describe("score 1 from this value, otherwise 0");

export function defineScorer<Shape extends z.ZodRawShape>(definition: ScorerDefinition<Shape>): ScorerType {
  const { type, summary, range } = definition;
  const optionsSchema = z.strictObject(definition.options);
  const commonSchema = z.strictObject(range === "fraction" ? { threshold, reasoning } : { reasoning });
  return {
    type,
    summary,
    options: [...describeOptions(optionsSchema), ...describeOptions(commonSchema)],
    create(name, options) {
      const [own, common] = splitOptions(options ?? {}, Object.keys(commonSchema.shape));
      const parsed = optionsSchema.safeParse(own);
      const parsedCommon = z.object({ threshold: threshold, reasoning }).safeParse(common);
      if (!parsed.success || !parsedCommon.success) {
        const known = [...Object.keys(definition.options), ...Object.keys(commonSchema.shape)];
        const issues = [...(parsed.error?.issues ?? []), ...(parsedCommon.error?.issues ?? [])];
        return { problems: issues.flatMap((issue) => describeOptionIssue(issue, known)) };
      }
      try {
        const scoreText = definition.create(parsed.data);
        const limit = parsedCommon.data.threshold;
        const score = (sample: AnsweredSample, signal?: AbortSignal) =>
          scoreSample(scoreText, parsedCommon.data, sample, signal);
        return { scorer: { name, type, range: limit === undefined ? range : "binary", score } };
      } catch (error) {
        if (error instanceof OptionError) return { problems: [{ path: error.path, message: error.message }] };
        throw error;
      }
    },
  };
}

interface CommonOptions {
  readonly threshold?: number | undefined;
  readonly reasoning: boolean;
}

function scoreSample(
  scoreText: ScoreText,
  options: CommonOptions,
  sample: AnsweredSample,
  signal?: AbortSignal,
): Score | Promise<Score> {
  const text = readAnswerText(sample.output, options.reasoning);
  if (text === undefined) return unparseable("the answer is empty");
  const score = scoreText(text, sample, signal);
  if (options.threshold === undefined) return score;
  const limit = options.threshold;
  return score instanceof Promise ? score.then((found) => applyThreshold(found, limit)) : applyThreshold(score, limit);
}

function applyThreshold(score: Score, limit: number): Score {
  if (score.status !== "scored") return score;
  return { ...score, value: score.value >= limit ? 1 : 0, explanation: `similarity ${score.value.toFixed(3)}` };
}

/** The best score against any target. */
export function scoreBest(targets: readonly string[], answer: string, compare: (target: string) => number): Score {
  if (targets.length === 0) return NO_TARGET;
  let best = Number.NEGATIVE_INFINITY;
  for (const target of targets) best = Math.max(best, compare(target));
  return scored(best, answer);
}

export const NO_TARGET: Score = scoringError("the item has no target to compare with");

function splitOptions(options: unknown, commonNames: readonly string[]): [own: unknown, common: object] {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return [options, {}];
  const entries = Object.entries(options);
  const isCommon = ([name]: [string, unknown]) => commonNames.includes(name);
  return [
    Object.fromEntries(entries.filter((entry) => !isCommon(entry))),
    Object.fromEntries(entries.filter(isCommon)),
  ];
}

function describeOptionIssue(issue: z.core.$ZodIssue, known: readonly string[]): OptionProblem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key], message: `unknown option; ${suggestNames(key, known)}` }));
}

/** "did you mean ...?", or all names if none is similar. */
export function suggestNames(name: string, known: readonly string[]): string {
  const similar = listSimilarNames(name, known);
  return similar.length > 0
    ? `did you mean ${similar.map((each) => `"${each}"`).join(" or ")}?`
    : `known: ${known.join(", ")}`;
}

function describeOptions(schema: z.ZodObject): ScorerOption[] {
  return Object.entries(schema.shape).map(([name, option]) => {
    const absent = z.safeParse(option, undefined);
    return {
      name,
      description: z.globalRegistry.get(option)?.description ?? "",
      default: absent.success && absent.data !== undefined ? JSON.stringify(absent.data) : undefined,
      isRequired: !absent.success,
    };
  });
}
