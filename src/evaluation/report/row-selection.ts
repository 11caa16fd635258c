import type { ReportAnswer } from "./report-data.ts";

/** The most that a report contains; browsers stay fast with it. */
export const REPORT_LIMITS = { rows: 20_000, bytes: 64_000_000 } as const;

/** Chooses the worst rows of evaluations that are too large for a report. Keeps four numbers per row. */
export class RowSelection {
  readonly #positions = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #badness: number[] = [];
  readonly #bytes: number[] = [];
  #chosen: ReadonlySet<number> | undefined;

  /** Adds a row as one evaluation answered it; `key` is the same in all evaluations. */
  add(key: number, answers: readonly Pick<ReportAnswer, "scores">[], bytes: number): void {
    const position = this.#positions.get(key) ?? this.#keys.length;
    if (position === this.#keys.length) {
      this.#positions.set(key, position);
      this.#keys.push(key);
    }
    this.#badness[position] = (this.#badness[position] ?? 0) + rateBadness(answers);
    this.#bytes[position] = (this.#bytes[position] ?? 0) + bytes;
  }

  /** Rows of equal badness are chosen in the order in which they were added. */
  choose(limits: { readonly rows: number; readonly bytes: number } = REPORT_LIMITS): void {
    const badnessOf = (position: number) => this.#badness[position] ?? 0;
    const worstFirst = Uint32Array.from(this.#keys.keys()).sort((a, b) => badnessOf(b) - badnessOf(a) || a - b);
    const chosen = new Set<number>();
    let bytes = 0;
    for (const position of worstFirst) {
      bytes += this.#bytes[position] ?? 0;
      if (chosen.size >= limits.rows || (bytes > limits.bytes && chosen.size > 0)) break;
      chosen.add(this.#keys[position] ?? 0);
    }
    this.#chosen = chosen;
  }

  /** Everything before `choose` was called. */
  has(key: number): boolean {
    return this.#chosen?.has(key) ?? true;
  }
}

/** From 0 (all scores are 1) to 1: what has no score counts like the score 0. */
function rateBadness(answers: readonly Pick<ReportAnswer, "scores">[]): number {
  const each = answers.map(({ scores = {} }) => {
    const values = Object.values(scores).map((score) =>
      score.status === "scored" ? Math.min(1, Math.max(0, score.value)) : 0,
    );
    return values.length === 0 ? 1 : 1 - values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  return each.length === 0 ? 0 : each.reduce((sum, value) => sum + value, 0) / each.length;
}
