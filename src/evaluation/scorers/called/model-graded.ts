import { z } from "zod";
import { PAIR_LABELS, RUBRIC_LABELS, readRating, readVerdict } from "#src/evaluation/extract/read-verdict.ts";
import type { Reading } from "#src/evaluation/extract/reading.ts";
import { removeReasoning } from "#src/evaluation/extract/reasoning.ts";
import { LiquidTemplates, TemplateError } from "#src/evaluation/liquid-templates.ts";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { scoringError } from "#src/evaluation/score.ts";
import type { ScorerType } from "#src/evaluation/scorer.ts";
import type { CallAnswer, CallResources, ScorerCall } from "#src/evaluation/scorer-call.ts";
import { type CallingScorer, defineScorer } from "#src/evaluation/scorers/define-scorer.ts";
import { OptionError } from "#src/evaluation/scorers/scorer-options.ts";
import { findAllAnswers, MISSING_CALL, requireModel } from "./call-answers.ts";
import { type Judgement, JudgePanel, toJudgement } from "./judge-panel.ts";
import { DEFAULT_PAIR_RUBRIC, DEFAULT_RUBRIC, JUDGE_PROMPTS } from "./judge-prompts.ts";

const MODEL = z.string().min(1);

const OPTIONS = {
  judge: z
    .union([MODEL, z.array(MODEL).min(1)])
    .describe("chat model that judges, `provider/model`, or a list of them"),
  rubric: z.string().min(1).optional().describe("what a good answer is, as a template; by default that it is correct"),
  scale: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe("ask for a rating between these numbers, which becomes a score from 0 to 1; by default for yes or no"),
  against: z
    .string()
    .min(1)
    .optional()
    .describe(
      "compare with this answer (a template, such as `{{ target }}`), in both orders: 1 if the model's answer is preferred in both, 0 if the other one is, otherwise 0.5",
    ),
  prompt: z
    .string()
    .min(1)
    .optional()
    .describe("the request to the judge, as a template, instead of the one for this kind of judgement"),
  combine: z.enum(["mean", "majority"]).default("mean").describe("how the verdicts of several judges become one"),
  parameters: z
    .record(z.string(), z.unknown())
    .default({ temperature: 0 })
    .describe("fields of OpenAI's request body for all judges"),
};
type ModelGradedOptions = z.output<z.ZodObject<typeof OPTIONS>>;

export function createModelGradedScorer(resources: CallResources): ScorerType {
  return defineScorer({
    type: "model-graded",
    summary:
      "The verdict of one or several models about the answer: yes or no, a rating, or a comparison with another answer.",
    range: "fraction",
    extracts: true,
    options: OPTIONS,
    create: (options) => createJudgedScorer(options, resources),
  });
}

function createJudgedScorer(options: ModelGradedOptions, resources: CallResources): CallingScorer {
  const { scale, against, combine, parameters } = options;
  if (scale && against !== undefined) throw new OptionError(["against"], "give either scale or against");
  if (scale && scale[0] >= scale[1]) throw new OptionError(["scale"], "expected the lower number first");
  const judges = [options.judge].flat();
  const models = judges.map((model, i) => {
    const path = typeof options.judge === "string" ? ["judge"] : ["judge", i];
    return requireModel(resources, model, "chat", { path, body: parameters });
  });
  const repeated = models.findIndex((model, i) => models.indexOf(model) < i);
  if (repeated >= 0) throw new OptionError(["judge", repeated], "another judge is this model");
  const requests = new JudgeRequests(options);
  const panel = new JudgePanel({
    ...{ judges: models, combine, isPairwise: against !== undefined },
    scale: scale ? "interval" : against === undefined ? "nominal" : "ordinal",
  });
  const listCalls = (output: string, sample: AnsweredSample) => {
    const contents = requests.render(output, sample);
    return models.map((model) =>
      contents.map((content): ScorerCall => {
        const body = { ...parameters, messages: [{ role: "user", content }] };
        return { endpoint: "/v1/chat/completions", model, body };
      }),
    );
  };
  return {
    calls: (output, sample) => listCalls(output, sample).flat(),
    score(output, sample) {
      try {
        const answers = listCalls(output, sample).map((calls) => findAllAnswers(resources, calls));
        if (!answers.every((found) => found !== undefined)) return MISSING_CALL;
        return panel.combine(answers.map((found) => requests.read(found)));
      } catch (error) {
        if (error instanceof TemplateError) return scoringError(error.message);
        throw error;
      }
    },
    report: () => panel.report(),
  };
}

/** The requests to a judge about one sample, and how its answers are read. */
class JudgeRequests {
  readonly #templates = new LiquidTemplates();
  readonly #options: ModelGradedOptions;

  /** Throws an OptionError for a template that is not valid. */
  constructor(options: ModelGradedOptions) {
    this.#options = options;
    for (const name of ["rubric", "against", "prompt"] as const) {
      const template = options[name];
      const problem = template === undefined ? undefined : this.#templates.findSyntaxProblem(template);
      if (problem !== undefined) throw new OptionError([name], problem);
    }
  }

  /** One text, or for a comparison one for each order. Throws a TemplateError. */
  render(output: string, sample: AnsweredSample): readonly string[] {
    const { against, scale, prompt } = this.#options;
    const { fields, targets } = sample;
    const own = { output, targets: [...targets], target: targets[0] ?? "" };
    const variables = { ...fields, question: fields.question ?? sample.readQuestion?.() ?? "", ...own };
    const [low, high] = scale ?? [0, 1];
    const isPair = against !== undefined;
    const template = prompt ?? JUDGE_PROMPTS[isPair ? "pair" : scale ? "rating" : "verdict"];
    const rubric = this.#templates.render(
      this.#options.rubric ?? (isPair ? DEFAULT_PAIR_RUBRIC : DEFAULT_RUBRIC),
      variables,
    );
    const render = (further: object) =>
      this.#templates.render(template, { ...variables, rubric, low, high, ...further });
    if (!isPair) return [render({})];
    const other = this.#templates.render(against, variables);
    return [render({ a: output, b: other }), render({ a: other, b: output })];
  }

  /** The judgement from the answers to the requests that `render` gave. */
  read(answers: readonly CallAnswer[]): Judgement {
    const { scale } = this.#options;
    const [first, second] = answers.map((answer) =>
      toJudgement(answer, (text) => this.#readValue(removeReasoning(text))),
    );
    if (first === undefined) throw new RangeError("a judgement needs an answer");
    if (second === undefined || first.status !== "judged")
      return first.status === "judged" && scale
        ? { ...first, value: (first.value - scale[0]) / (scale[1] - scale[0]) }
        : first;
    if (second.status !== "judged") return second;
    // In the second order, the model's answer is B.
    const [inFirst, inSecond] = [first.value, 1 - second.value];
    const explanation = `${first.explanation}\nin the other order: ${second.explanation}`;
    if (inFirst === inSecond) return { status: "judged", value: inFirst, explanation };
    const order =
      first.value === 1 && second.value === 1
        ? "first"
        : first.value === 0 && second.value === 0
          ? "second"
          : undefined;
    const judged = {
      status: "judged",
      value: 0.5,
      explanation: `the verdict depends on the order: ${explanation}`,
    } as const;
    return order === undefined ? judged : { ...judged, order };
  }

  /** 1 and 0 for yes and no, or for A and B with 0.5 for a tie; or the rating. */
  #readValue(text: string): number | undefined {
    const { scale, against } = this.#options;
    if (scale) return convertReading(readRating(text, scale), (rating) => rating);
    if (against === undefined)
      return convertReading(readVerdict(text, RUBRIC_LABELS), (verdict) => (verdict === "yes" ? 1 : 0));
    return convertReading(readVerdict(text, PAIR_LABELS), (verdict) =>
      verdict === "a" ? 1 : verdict === "b" ? 0 : 0.5,
    );
  }
}

function convertReading<T>(reading: Reading<T>, convert: (answer: T) => number): number | undefined {
  return reading.status === "found" ? convert(reading.answer) : undefined;
}
