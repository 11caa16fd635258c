import { batch, computed, type Signal, signal } from "@preact/signals";
import type { ReportHead, ReportRow } from "#src/evaluation/report/report-data.ts";
import { filterRows, measureDisagreement, type RowFilter, type RowOrder, rateRow } from "./filter-rows.ts";
import { listScorers, listVariants, type MergedRow, RowMerger, type Variant } from "./report-rows.ts";

const WORST_ROWS = 8;

/** Everything that the parts of a report share. */
export class ReportState {
  readonly head: ReportHead;
  readonly variants: readonly Variant[];
  readonly scorers: readonly string[];
  readonly rows = signal<readonly MergedRow[]>([]);
  readonly isLoading = signal(true);
  readonly filter: Signal<RowFilter>;
  readonly found = computed(() => filterRows(this.rows.value, this.filter.value));
  readonly scorer = computed(() => this.filter.value.scorer);
  readonly worst = computed(() => this.#findWorst("worst", (row) => rateRow(row, this.scorer.value)));
  readonly mostDisagreement = computed(() =>
    this.#findWorst("disagreement", (row) => -measureDisagreement(row, this.scorer.value)),
  );
  /** The row whose answers are shown. */
  readonly opened = signal<MergedRow | undefined>(undefined);
  readonly #merger: RowMerger;

  constructor(head: ReportHead) {
    this.head = head;
    this.variants = listVariants(head);
    this.scorers = listScorers(head.evaluations);
    this.#merger = new RowMerger(head, this.variants);
    this.filter = signal(this.createFilter());
  }

  createFilter(): RowFilter {
    const common = { text: "", outcome: "any", order: "dataset" } as const;
    return { ...common, scorer: this.scorers[0] ?? "", variant: undefined, dataset: undefined, group: undefined };
  }

  /** Adds rows, which are shown at once only if there were none: drawing everything again for each block takes long. */
  add(rows: readonly ReportRow[]): void {
    for (const row of rows) this.#merger.add(row);
    if (this.rows.value.length === 0) this.rows.value = [...this.#merger.rows];
  }

  finishLoading(): void {
    batch(() => {
      this.rows.value = this.#merger.rows;
      this.isLoading.value = false;
    });
  }

  /** Opens the next or previous one of the rows that match the filter. */
  move(step: 1 | -1): void {
    const { value: opened } = this.opened;
    const at = opened === undefined ? -1 : this.found.value.indexOf(opened);
    const next = at < 0 ? undefined : this.found.value[at + step];
    if (next) this.opened.value = next;
  }

  /** The first rows in this order, without those that are as good as the best row. */
  #findWorst(order: RowOrder, rate: (row: MergedRow) => number | undefined): MergedRow[] {
    const rows = this.rows.value;
    const best = rows.reduce((highest, row) => Math.max(highest, rate(row) ?? highest), Number.NEGATIVE_INFINITY);
    const sorted = filterRows(rows, { ...this.createFilter(), scorer: this.scorer.value, order });
    return sorted.slice(0, WORST_ROWS).filter((row) => (rate(row) ?? best) < best);
  }

  /** The range of a scorer's values. */
  findRange(scorer: string): "binary" | "fraction" | "number" {
    const metrics = this.head.evaluations.flatMap(({ results }) => results.metrics);
    return metrics.find((metric) => metric.scorer === scorer)?.range ?? "number";
  }
}
