import { z } from "zod";
import type { Score } from "#src/evaluation/score.ts";

const count = z.int().nonnegative();
const money = z.object({ amount: z.number(), currency: z.string() });
const hashed = z.array(z.object({ name: z.string(), sha256: z.string() }));

/** The parts of `results.json` that comparisons need. */
export const storedResultsSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  datasets: hashed,
  prompts: hashed,
  scorers: z.record(z.string(), z.unknown()),
  reduce: z.string(),
  confidence: z.number().gt(0).lt(1),
  models: z.array(
    z.object({
      label: z.string(),
      model: z.string(),
      samples: z.object({ total: count, answered: count, refused: count, failed: count }),
      promptTokens: count,
      completionTokens: count,
      reasoningTokens: count.default(0),
      cost: money.optional(),
      medianDurationMs: z.number().optional(),
      p95DurationMs: z.number().optional(),
      totalDurationMs: z.number().default(0),
    }),
  ),
  metrics: z.array(z.object({ scorer: z.string(), range: z.enum(["binary", "fraction", "number"]) })),
  cost: money.optional(),
  activeMs: z.number(),
});

export const scoreSchema = z.discriminatedUnion("status", [
  z.object({
    ...{ status: z.literal("scored"), value: z.number() },
    ...{ answer: z.string().optional(), explanation: z.string().optional() },
  }),
  z.object({ status: z.literal("unparseable"), explanation: z.string() }),
  z.object({ status: z.literal("error"), explanation: z.string() }),
]);

export const storedScoresSchema = z.record(z.string(), scoreSchema);

/** The parts of a line of `samples.jsonl` that comparisons need; `scores` is absent without an answer. */
export const storedSampleSchema = z.object({
  item: z.string(),
  dataset: z.string(),
  prompt: z.string(),
  model: z.string(),
  cluster: z.string(),
  groups: z.record(z.string(), z.string()),
  scores: storedScoresSchema.optional(),
});

export type StoredSample = z.infer<typeof storedSampleSchema>;

/** An evaluation as its output folder stores it. */
export interface StoredEvaluation {
  /** As the user wrote it. */
  readonly dir: string;
  readonly results: z.infer<typeof storedResultsSchema>;
  readonly rows: StoredRows;
}

/** A row as one model answered it, with the scores of its samples by scorer. */
export interface StoredRow {
  readonly cluster: string;
  readonly groups: Readonly<Record<string, string>>;
  readonly scores: Map<string, Score[]>;
}

/** Rows by dataset, prompt, and model, then by id. */
export class StoredRows {
  readonly #rows = new Map<string, Map<string, StoredRow>>();

  add({ item, dataset, prompt, model, cluster, groups, scores = {} }: StoredSample): void {
    const key = JSON.stringify([dataset, prompt, model]);
    const rows = this.#rows.get(key) ?? new Map<string, StoredRow>();
    this.#rows.set(key, rows);
    const row = rows.get(item) ?? { cluster, groups, scores: new Map<string, Score[]>() };
    rows.set(item, row);
    for (const [scorer, score] of Object.entries(scores))
      row.scores.set(scorer, [...(row.scores.get(scorer) ?? []), toScore(score)]);
  }

  find(dataset: string, prompt: string, model: string): ReadonlyMap<string, StoredRow> {
    return this.#rows.get(JSON.stringify([dataset, prompt, model])) ?? new Map();
  }
}

function toScore(score: z.infer<typeof scoreSchema>): Score {
  if (score.status !== "scored") return score;
  return score.answer === undefined
    ? { status: "scored", value: score.value }
    : { status: "scored", value: score.value, answer: score.answer };
}
