/**
 *   GET  /api/runs/:run/items?...              viewer      ItemQuery -> ItemPage    (in=text: operator)
 *   GET  /api/runs/:run/items/:index           viewer      -> ItemHistory, texts masked
 *   POST /api/runs/:run/items/:index/reveal    operator    {} -> RevealedItem
 *   GET  /api/runs/:run/records                viewer      -> LatestRecords
 */

export type ItemStatus = "succeeded" | "failed" | "waiting";

/** Query of GET /api/runs/:run/items. */
export interface ItemQuery {
  /** What to look for; empty: all items. */
  readonly text?: string;
  /** Where: the id holds it (default), or the item's text does (operator; reads the whole spool, so it may take pages). */
  readonly in?: "id" | "text";
  readonly status?: ItemStatus;
  /** Kind of failure. */
  readonly kind?: string;
  /** A cluster, as `FailureCluster.cluster` names it. */
  readonly cause?: string;
  /** Index to begin at: 0, or an earlier answer's `next`. */
  readonly from?: number;
  /** 1 to 200; 50 by default. */
  readonly limit?: number;
}

export interface ItemSummary {
  readonly index: number;
  readonly id: string;
  readonly status: ItemStatus;
  /** Estimated while it waits, then as the provider reported. */
  readonly tokens?: number;
  readonly attempts?: number;
  readonly failure?: FailureView;
}

export interface FailureView {
  readonly kind: string;
  readonly code?: string;
  readonly message: string;
}

export interface ItemPage {
  readonly items: readonly ItemSummary[];
  /** Where to go on; absent: this was the end. A page may be empty and yet have a next one, when a search takes long. */
  readonly next?: number;
  /** Items looked at so far over items of the run, 0 to 1. */
  readonly searchedShare: number;
}

/** A text that is not shown until an operator asks. */
export interface MaskedText {
  readonly characters?: number;
  /** Why there is none at all ("the output holds no texts", "not answered yet"). */
  readonly absentReason?: string;
  /** The same as a code; `vector`: it stands in the output, and is no text; `not-kept`: the output holds none. */
  readonly absentCode?: "not-answered" | "failed" | "vector" | "not-kept";
}

export interface AttemptView {
  readonly number: number;
  /** When the call began. */
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
  /** Where it comes from, as far as it is known: file name, line. Text. */
  readonly origin?: string;
  readonly recordedAt?: number;
  readonly answer?: {
    readonly finishReason?: string;
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    /** Floats of its vector. */
    readonly dimensions?: number;
  };
  /**
   * Every upstream call for it that is known, in order. Throttled ones are no attempts: their number comes again. Of
   * failed ones, the newest 10,000 of the run are kept, for a week.
   */
  readonly history: readonly AttemptView[];
  readonly request: MaskedText;
  readonly response: MaskedText;
}

/** Plain texts, cut at 256 KiB each; `cut` tells how many characters were left out. */
export interface RevealedItem {
  readonly request?: { readonly text: string; readonly cut?: number };
  readonly response?: { readonly text: string; readonly cut?: number };
}

export interface LatestRecord {
  readonly index: number;
  /** When the folder is at hand. */
  readonly id?: string;
  readonly at: number;
  readonly attempts: number;
  readonly tokens: number;
  /** The first few floats of its vector, for the eye. */
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
