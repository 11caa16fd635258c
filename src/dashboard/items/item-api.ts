/**
 *   GET  /api/runs/:run/items?...              viewer      -> ItemPage, see `ItemFilterParams`
 *       (sort=COLUMN or COLUMN:desc, after=NEXT, limit=50; a filter of contents: operator)
 *   GET  /api/runs/:run/items/export?...       viewer      -> all matching items: one `ExportedItem` per line, or CSV
 *       (format=jsonl or csv; texts=1 adds text, metadata, and answer: operator)
 *   GET  /api/runs/:run/items/:index           viewer      -> ItemHistory, texts masked
 *   POST /api/runs/:run/items/:index/reveal    operator    {} -> RevealedItem
 *   GET  /api/runs/:run/records                viewer      -> LatestRecords
 */

export type RunItemStatus = "succeeded" | "failed" | "waiting";

export interface ItemSummary {
  readonly index: number;
  readonly id: string;
  readonly status: RunItemStatus;
  /** Estimated while the item waits, then as reported by the provider. */
  readonly tokens?: number;
  readonly attempts?: number;
  /** Of the call that gave the record. */
  readonly durationMs?: number;
  readonly failure?: FailureView;
}

export interface FailureView {
  readonly kind: string;
  readonly code?: string;
  readonly message: string;
  /** The provider's own message, redacted, and the parameter that it names. */
  readonly providerMessage?: string;
  readonly param?: string;
}

export interface ItemPage {
  readonly items: readonly ItemSummary[];
  /** Where to continue; absent on the last page. While an output is being searched, an empty page may have a next one. */
  readonly next?: string;
  /** Number of matching items, if it is known without a scan. */
  readonly total?: number;
  /** Only without the run's database: share of the output that has been searched so far, 0 to 1. */
  readonly searchedShare?: number;
  /** The search index is being built: its share that is complete, 0 to 1. The items are not known yet; ask again. */
  readonly indexingShare?: number;
}

/** A text that is hidden until an operator reveals it. */
export interface MaskedText {
  readonly characters?: number;
  /** Why there is no text. */
  readonly absentReason?: string;
  /** The same as a code. `vector`: the answer is a vector in the output; `not-kept`: the output contains no texts. */
  readonly absentCode?: "not-answered" | "failed" | "vector" | "not-kept";
}

export interface AttemptView {
  readonly number: number;
  /** When the call started. */
  readonly at?: number;
  readonly durationMs?: number;
  readonly lane?: string;
  readonly worker?: string;
  readonly outcome: "succeeded" | "failed" | "throttled" | "lost" | "running";
  readonly failure?: FailureView;
}

export interface ItemHistory extends ItemSummary {
  readonly at: number;
  readonly run: string;
  readonly model?: string;
  /** The source of the item, if known: file name, line. */
  readonly origin?: string;
  readonly recordedAt?: number;
  readonly answer?: {
    readonly finishReason?: string;
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    /** Length of its vector. */
    readonly dimensions?: number;
  };
  /**
   * Every known upstream call for the item, in order. Throttled calls do not count as attempts: their number is used
   * again. The newest 10,000 failed calls of a run are kept for a week.
   */
  readonly history: readonly AttemptView[];
  readonly request: MaskedText;
  readonly response: MaskedText;
}

/** Plain texts, truncated to 256 KiB each; `cut` is the number of characters left out. */
export interface RevealedItem {
  readonly request?: { readonly text: string; readonly cut?: number };
  readonly response?: { readonly text: string; readonly cut?: number };
}

export interface LatestRecord {
  readonly index: number;
  /** Only if the run's folder is readable. */
  readonly id?: string;
  readonly at: number;
  readonly attempts: number;
  readonly tokens: number;
  /** The first floats of its vector. */
  readonly vector?: readonly number[];
  readonly dimensions?: number;
  readonly failure?: FailureView;
}

export interface LatestRecords {
  readonly run: string;
  readonly at: number;
  /** Oldest first, at most 50. */
  readonly records: readonly LatestRecord[];
}
