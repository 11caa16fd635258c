import type { ReportAnswer, ReportEvaluation, ReportHead, ReportRow } from "#src/evaluation/report/report-data.ts";
import { reduceScores } from "#src/evaluation/results/reduce-scores.ts";

/** What gives answers to a row: a model with a prompt, in one of the evaluations. */
export interface Variant {
  readonly index: number;
  readonly evaluation: number;
  readonly model: string;
  readonly prompt: string;
  /** Distinguishes it from the others: the model, with prompt and folder where there are several. */
  readonly label: string;
}

/** How a variant did in a row: a score, or why there is none. `missing`: it was not asked. */
export type Outcome = "scored" | "unparseable" | "error" | "refused" | "failed" | "missing";

export interface Cell {
  readonly outcome: Outcome;
  /** NaN without a score. */
  readonly value: number;
}

export interface VariantAnswer extends ReportAnswer {
  readonly variant: number;
}

/** A row of a dataset, with the answers of all variants. */
export interface MergedRow {
  readonly position: number;
  readonly dataset: string;
  readonly item: string;
  readonly targets: readonly string[];
  readonly groups: Readonly<Record<string, string>>;
  readonly questions: Map<string, string>;
  readonly answers: VariantAnswer[];
  /** By scorer, then by variant. */
  readonly cells: Map<string, Cell[]>;
  /** Everything that a search looks at, in lower case. */
  text: string;
}

export function listVariants({ evaluations }: ReportHead): Variant[] {
  const isOneFolder = evaluations.length === 1;
  const isOnePrompt = evaluations.every(({ results }) => results.prompts.length === 1);
  const variants = evaluations.flatMap(({ folder, results }, evaluation) =>
    results.models.flatMap(({ label: model }) =>
      results.prompts.map(({ name: prompt }) => ({
        ...{ evaluation, model, prompt },
        label: [model, ...(isOnePrompt ? [] : [prompt]), ...(isOneFolder ? [] : [folder])].join(" · "),
      })),
    ),
  );
  return variants.map((variant, index) => ({ ...variant, index }));
}

export function listScorers(evaluations: readonly ReportEvaluation[]): string[] {
  return [...new Set(evaluations.flatMap(({ results }) => Object.keys(results.scorers)))];
}

/** Joins what several evaluations say about the same rows. */
export class RowMerger {
  readonly rows: MergedRow[] = [];
  readonly #evaluations: readonly ReportEvaluation[];
  readonly #scorers: readonly string[];
  readonly #byVariant: ReadonlyMap<string, number>;
  readonly #variants: number;
  readonly #known = new Map<string, MergedRow>();

  constructor({ evaluations }: ReportHead, variants: readonly Variant[]) {
    this.#evaluations = evaluations;
    this.#scorers = listScorers(evaluations);
    this.#variants = variants.length;
    this.#byVariant = new Map(variants.map((v) => [JSON.stringify([v.evaluation, v.model, v.prompt]), v.index]));
  }

  add(row: ReportRow): void {
    const { dataset, item, targets, groups } = row;
    const key = JSON.stringify([dataset, item]);
    const merged = this.#known.get(key) ?? {
      ...{ position: this.rows.length, dataset, item, targets, groups },
      ...{ questions: new Map<string, string>(), answers: [], cells: new Map<string, Cell[]>() },
      text: "",
    };
    const parts: string[] = [];
    if (!this.#known.has(key)) {
      parts.push(item, ...targets, ...Object.values(groups));
      this.#known.set(key, merged);
      this.rows.push(merged);
    }
    for (const [prompt, question] of Object.entries(row.questions)) {
      if (merged.questions.has(prompt)) continue;
      merged.questions.set(prompt, question);
      parts.push(question);
    }
    const byVariant = Map.groupBy(row.answers, ({ model, prompt }) =>
      this.#byVariant.get(JSON.stringify([row.evaluation, model, prompt])),
    );
    for (const [variant, answers] of byVariant) {
      if (variant === undefined) continue;
      for (const answer of answers) {
        merged.answers.push({ ...answer, variant });
        parts.push(answer.text ?? answer.reason ?? "");
      }
      this.#addCells(merged, variant, answers, this.#evaluations[row.evaluation]?.results.reduce ?? "mean");
    }
    // Joined and not added up, because the first search would have to flatten the strings.
    merged.text = [merged.text, ...parts].join("\n").toLowerCase();
  }

  #addCells({ cells }: MergedRow, variant: number, answers: readonly ReportAnswer[], reduction: string): void {
    for (const scorer of this.#scorers) {
      const own = cells.get(scorer) ?? Array.from({ length: this.#variants }, () => MISSING);
      own[variant] = toCell(answers, scorer, reduction);
      cells.set(scorer, own);
    }
  }
}

const MISSING: Cell = { outcome: "missing", value: Number.NaN };

function toCell(answers: readonly ReportAnswer[], scorer: string, reduction: string): Cell {
  const answered = answers.filter(({ status }) => status === "answered");
  if (answered.length === 0)
    return { outcome: answers.some(({ status }) => status === "refused") ? "refused" : "failed", value: Number.NaN };
  const scores = answered.flatMap(({ scores = {} }) => scores[scorer] ?? []);
  if (scores.length === 0) return MISSING;
  // Without the property that only scored samples have, which may be absent.
  const score = reduceScores(scores.map(toScore), reduction);
  return { outcome: score.status, value: score.status === "scored" ? score.value : Number.NaN };
}

type StoredScore = NonNullable<ReportAnswer["scores"]>[string];

function toScore(score: StoredScore) {
  if (score.status !== "scored") return score;
  const { status, value, answer } = score;
  return answer === undefined ? { status, value } : { status, value, answer };
}
