import type { Cell, MergedRow, Outcome } from "./report-rows.ts";

/** "low" and "high": a score below 0.5, and others. "differ": the variants with scores do not agree. */
export type OutcomeFilter = "any" | "low" | "high" | "differ" | Exclude<Outcome, "scored" | "missing">;
export type RowOrder = "dataset" | "worst" | "disagreement";

export interface RowFilter {
  /** Words that must all occur. */
  readonly text: string;
  readonly scorer: string;
  readonly outcome: OutcomeFilter;
  /** The variant that must have this outcome; undefined for any of them. */
  readonly variant: number | undefined;
  readonly dataset: string | undefined;
  readonly group: { readonly field: string; readonly value: string } | undefined;
  readonly order: RowOrder;
}

/** The rows that match, in the order asked for. */
export function filterRows(rows: readonly MergedRow[], filter: RowFilter): MergedRow[] {
  const { scorer, outcome, variant, dataset, group, order } = filter;
  const words = filter.text.toLowerCase().split(/\s+/u).filter(Boolean);
  const found = rows.filter(
    (row) =>
      (dataset === undefined || row.dataset === dataset) &&
      (group === undefined || row.groups[group.field] === group.value) &&
      (outcome === "any" || hasOutcome(row.cells.get(scorer) ?? [], outcome, variant)) &&
      words.every((word) => row.text.includes(word)),
  );
  if (order === "dataset") return found;
  const rate = order === "worst" ? (row: MergedRow) => -(rateRow(row, scorer) ?? 2) : measureDisagreement;
  return found
    .map((row) => ({ row, key: rate(row, scorer) }))
    .sort((a, b) => b.key - a.key || a.row.position - b.row.position)
    .map(({ row }) => row);
}

function hasOutcome(cells: readonly Cell[], outcome: OutcomeFilter, variant: number | undefined): boolean {
  if (outcome === "differ") {
    const values = cells.filter((cell) => cell.outcome === "scored").map(({ value }) => value);
    return values.some((value) => value !== values[0]);
  }
  const matches = (cell: Cell) => {
    if (outcome === "low") return cell.value < 0.5;
    if (outcome === "high") return cell.value >= 0.5;
    return cell.outcome === outcome;
  };
  const chosen = variant === undefined ? undefined : cells[variant];
  return variant === undefined ? cells.some(matches) : chosen !== undefined && matches(chosen);
}

/** The mean score of the variants that have one; undefined without any. */
export function rateRow({ cells }: MergedRow, scorer: string): number | undefined {
  const values = listValues(cells.get(scorer) ?? []);
  return values.length === 0 ? undefined : sum(values) / values.length;
}

/** The standard deviation of the scores of all answers to a row: of the variants, and of several samples of one. */
export function measureDisagreement({ answers }: MergedRow, scorer: string): number {
  const values = answers.flatMap(({ scores = {} }) => {
    const score = scores[scorer];
    return score?.status === "scored" ? [score.value] : [];
  });
  if (values.length < 2) return 0;
  const mean = sum(values) / values.length;
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
}

function listValues(cells: readonly Cell[]): number[] {
  return cells.flatMap(({ outcome, value }) => (outcome === "scored" ? [value] : []));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
