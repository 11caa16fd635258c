import { z } from "zod";
import { readAnswerText } from "#src/evaluation/extract/reasoning.ts";
import { extractText, TEXT_EXTRACTORS, type TextExtractor } from "#src/evaluation/extract/text-extractors.ts";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { CreatedScorer, ScoreRange, ScorerType } from "#src/evaluation/scorer.ts";
import type { JudgeReport, ScorerCall } from "#src/evaluation/scorer-call.ts";
import { describeOptionIssue, describeOptions, OptionError } from "./scorer-options.ts";

/** Scores the text of an answer, without its reasoning unless that was requested. */
type ScoreText = (text: string, sample: AnsweredSample, signal?: AbortSignal) => Score | Promise<Score>;

/** A scorer with calls; `calls` sees the same part of the text as `score`. Both may throw a TemplateError. */
export interface CallingScorer {
  readonly score: ScoreText;
  readonly calls: (text: string, sample: AnsweredSample) => readonly ScorerCall[];
  readonly report?: () => JudgeReport;
}

interface ScorerDefinition<Shape extends z.ZodRawShape> {
  readonly type: string;
  readonly summary: string;
  readonly range: ScoreRange;
  /** Whether the option `extract` chooses the part of the text that is scored. */
  readonly extracts?: boolean;
  /** Each option has a description. */
  readonly options: Shape;
  /** Throws an OptionError for options that only their combination or their content makes invalid. */
  create(options: z.output<z.ZodObject<Shape>>): ScoreText | CallingScorer;
}

const COMMON_OPTIONS = {
  extract: z
    .enum(TEXT_EXTRACTORS)
    .default("text")
    .describe(
      "the part of the text to score: `text` (all of it), `answer` (after “Answer:”, “答案：”, or in `\\boxed`), `code` (the longest code block), `first-line`, or `last-line`",
    ),
  threshold: z.number().min(0).max(1).optional().describe("score 1 from this value, otherwise 0"),
  reasoning: z
    .boolean()
    .default(false)
    .describe("score the reasoning together with the answer; otherwise `<think>` blocks are removed"),
};
const commonSchema = z.object(COMMON_OPTIONS);

export function defineScorer<Shape extends z.ZodRawShape>(definition: ScorerDefinition<Shape>): ScorerType {
  const { type, summary, range, extracts = false } = definition;
  const ownSchema = z.strictObject(definition.options);
  const common = Object.entries(COMMON_OPTIONS).filter(
    ([name]) => (name !== "extract" || extracts) && (name !== "threshold" || range === "fraction"),
  );
  const commonNames = common.map(([name]) => name);
  return {
    type,
    summary,
    options: describeOptions({ ...definition.options, ...Object.fromEntries(common) }),
    create(name, options = {}): CreatedScorer {
      const [own, shared] = splitOptions(options, commonNames);
      const parsed = ownSchema.safeParse(own);
      const parsedCommon = commonSchema.safeParse(shared);
      if (!parsed.success || !parsedCommon.success) {
        const issues = [...(parsed.error?.issues ?? []), ...(parsedCommon.error?.issues ?? [])];
        const known = [...Object.keys(definition.options), ...commonNames];
        return { problems: issues.flatMap((issue) => describeOptionIssue(issue, known)) };
      }
      try {
        const created = definition.create(parsed.data);
        const {
          score: scoreText,
          calls,
          report,
        }: Partial<CallingScorer> & Pick<CallingScorer, "score"> = typeof created === "function"
          ? { score: created }
          : created;
        const { threshold } = parsedCommon.data;
        const score = (sample: AnsweredSample, signal?: AbortSignal) =>
          scoreSample(scoreText, parsedCommon.data, sample, signal);
        const listCalls = calls && ((sample: AnsweredSample) => listCallsOf(calls, parsedCommon.data, sample));
        const shared = { name, type, range: threshold === undefined ? range : ("binary" as const) };
        return { scorer: { ...shared, score, calls: listCalls, report } };
      } catch (error) {
        if (error instanceof OptionError) return { problems: [{ path: error.path, message: error.message }] };
        throw error;
      }
    },
  };
}

interface CommonOptions {
  readonly extract: TextExtractor;
  readonly threshold?: number | undefined;
  readonly reasoning: boolean;
}

/** Of an answer without a text to score, nothing is asked. */
function listCallsOf(
  calls: CallingScorer["calls"],
  { extract, reasoning }: CommonOptions,
  sample: AnsweredSample,
): readonly ScorerCall[] {
  const text = readAnswerText(sample.output, reasoning);
  const part = text === undefined ? undefined : extractText(text, extract);
  return part === undefined ? [] : calls(part, sample);
}

function scoreSample(
  scoreText: ScoreText,
  { extract, threshold, reasoning }: CommonOptions,
  sample: AnsweredSample,
  signal?: AbortSignal,
): Score | Promise<Score> {
  const text = readAnswerText(sample.output, reasoning);
  if (text === undefined) return unparseable("the answer is empty");
  const part = extractText(text, extract);
  if (part === undefined) return unparseable(`no part of the text matches the extractor "${extract}"`);
  const score = scoreText(part, sample, signal);
  if (threshold === undefined) return score;
  return score instanceof Promise
    ? score.then((found) => applyThreshold(found, threshold))
    : applyThreshold(score, threshold);
}

function applyThreshold(score: Score, threshold: number): Score {
  if (score.status !== "scored") return score;
  return { ...score, value: score.value >= threshold ? 1 : 0, explanation: `similarity ${score.value.toFixed(3)}` };
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
