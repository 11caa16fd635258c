import type { ReportAnswer } from "./report-data.ts";

/** The most that a report contains; browsers stay fast with it. */
export const REPORT_LIMITS = { rows: 20_000, bytes: 64_000_000 } as const;

interface Candidate {
  badness: number;
  bytes: number;
}

/** Chooses the worst rows of evaluations that are too large for a report. Keeps a few numbers per row. */
export class RowSelection {
  readonly #candidates = new Map<number, Candidate>();
  #chosen: ReadonlySet<number> | undefined;

  /** Adds a row as one evaluation answered it; `key` is the same in all evaluations. */
  add(key: number, answers: readonly ReportAnswer[], bytes: number): void {
    const candidate = this.#candidates.get(key) ?? { badness: 0, bytes: 0 };
    candidate.badness += rateBadness(answers);
    candidate.bytes += bytes;
    this.#candidates.set(key, candidate);
  }

  /** Rows of equal badness are chosen in the order in which they were added. */
  choose(limits: { readonly rows: number; readonly bytes: number } = REPORT_LIMITS): void {
    const worstFirst = [...this.#candidates].sort(([, a], [, b]) => b.badness - a.badness);
    let bytes = 0;
    const end = worstFirst.findIndex(([, candidate], i) => {
      bytes += candidate.bytes;
      return i >= limits.rows || bytes > limits.bytes;
    });
    this.#chosen = new Set((end < 0 ? worstFirst : worstFirst.slice(0, Math.max(1, end))).map(([key]) => key));
  }

  /** Everything before `choose` was called. */
  has(key: number): boolean {
    return this.#chosen?.has(key) ?? true;
  }
}

/** From 0 (all scores are 1) to 1: what has no score counts like the score 0. */
export function rateBadness(answers: readonly ReportAnswer[]): number {
  const each = answers.map(({ scores = {} }) => {
    const values = Object.values(scores).map((score) =>
      score.status === "scored" ? Math.min(1, Math.max(0, score.value)) : 0,
    );
    return values.length === 0 ? 1 : 1 - values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  return each.length === 0 ? 0 : each.reduce((sum, value) => sum + value, 0) / each.length;
}
