import { z } from "zod";
import type { ComparedEvaluations } from "#src/evaluation/compare/compare-evaluations.ts";
import { scoreSchema, storedResultsSchema, storedSampleSchema } from "#src/evaluation/results/stored-evaluation.ts";

const count = z.int().nonnegative();
const interval = z.object({ low: z.number(), high: z.number() }).nullable();
const estimate = { items: count, mean: z.number().nullable(), interval };
const metricKey = { dataset: z.string(), prompt: z.string(), model: z.string(), scorer: z.string() };
const range = z.enum(["binary", "fraction", "number"]);
const itemsNeeded = count.nullable();
const outcomes = { unanswered: count, refused: count, unparseable: count, errors: count };

const metricSchema = z.object({
  ...{ ...metricKey, range, ...estimate, ...outcomes },
  groups: z.array(z.object({ field: z.string(), value: z.string(), ...estimate })),
});

const comparisonSchema = z.object({
  ...{ ...metricKey, range, baseline: z.string(), items: count, difference: z.number(), interval },
  ...{ adjustedPValue: z.number(), won: count, lost: count, tied: count, itemsNeeded },
});

/** The parts of `results.json` that reports show. */
export const reportResultsSchema = storedResultsSchema.extend({
  run: z.string(),
  sluice: z.string(),
  scoredWith: z.object({ sluice: z.string(), node: z.string() }),
  scoredAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  spec: z.object({ path: z.string(), sha256: z.string() }),
  datasets: z.array(
    z.object({
      ...{ name: z.string(), path: z.string(), sha256: z.string(), bytes: count.optional(), items: count },
      ...{ limit: count.optional(), shuffle: z.int().optional() },
    }),
  ),
  parameters: z.array(z.object({ label: z.string(), model: z.string(), parameters: z.unknown() })),
  samples: count,
  baseline: z.string().optional(),
  metrics: z.array(metricSchema),
  comparisons: z.array(comparisonSchema),
  calls: z.object({ made: count, failed: count, throttled: count }),
});

export type ReportResults = z.infer<typeof reportResultsSchema>;
export type ReportMetric = z.infer<typeof metricSchema>;

/** A line of `samples.jsonl`. */
export const reportSampleSchema = storedSampleSchema.extend({
  id: z.string(),
  sample: count,
  targets: z.array(z.string()),
  status: z.enum(["answered", "refused", "failed"]),
  text: z.string().optional(),
  reason: z.string().optional(),
  finishReason: z.string().optional(),
  promptTokens: count.optional(),
  completionTokens: count.optional(),
  durationMs: z.number().optional(),
  cost: z.number().optional(),
  scores: z.record(z.string(), scoreSchema).optional(),
});

export type ReportSample = z.infer<typeof reportSampleSchema>;

/** One answer to a row, without what the row says. */
export type ReportAnswer = Omit<ReportSample, "id" | "item" | "dataset" | "cluster" | "groups" | "targets">;

/** A row of a dataset with its answers in one evaluation. */
export interface ReportRow {
  /** Index of the evaluation. */
  readonly evaluation: number;
  readonly dataset: string;
  readonly item: string;
  readonly targets: readonly string[];
  readonly groups: Readonly<Record<string, string>>;
  /** The last message of the user, by prompt; empty without a run database. */
  readonly questions: Readonly<Record<string, string>>;
  readonly answers: readonly ReportAnswer[];
}

export interface ReportEvaluation {
  /** Name of the output folder, unique in the report. */
  readonly folder: string;
  readonly results: ReportResults;
}

/** What a report contains besides rows. */
export interface ReportHead {
  readonly createdAt: string;
  readonly sluice: string;
  /** Language that the report opens in; by default that of the browser. */
  readonly language: "en" | "zh" | undefined;
  readonly evaluations: readonly ReportEvaluation[];
  /** Of several evaluations: with the first one. */
  readonly compared: ComparedEvaluations | undefined;
  /** Rows of all evaluations, and those that the report contains, the worst first. */
  readonly rows: { readonly total: number; readonly included: number };
}
