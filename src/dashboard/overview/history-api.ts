/**
 *   GET /api/history?span=hour|day    viewer    -> MetricHistory
 *   GET /api/runs/:run/history        viewer    -> MetricHistory
 */

export type HistoryMetric =
  /** answered upstream calls, items ended, tokens, failed calls, throttle answers: all per minute */
  | "calls"
  | "items"
  | "tokens"
  | "failures"
  | "throttles"
  /** of a run: items that ended in an error, per minute */
  | "failed-items"
  /** money per minute, in the line's currency */
  | "cost"
  /** jobs waiting or delayed (of a paused run, of a parked lane), at the end of the step */
  | "queue-depth"
  /** median and 95th percentile of the time of an upstream call, ms */
  | "upstream-p50"
  | "upstream-p95"
  /** alive, at the end of the step */
  | "workers"
  /** bytes, at the end of the step */
  | "redis-memory";

export interface HistorySeries {
  /** Unique within one answer: "calls", "calls:minimax", "queue-depth:minimax". */
  readonly seriesKey: string;
  readonly metric: HistoryMetric;
  /** Absent: of all providers together. */
  readonly provider?: string;
  readonly currency?: string;
  /** One per element of `at`; null where nobody looked. */
  readonly values: readonly (number | null)[];
}

/** Charts. Steps without a figure (nobody looked, Redis was away) are null: a gap in the line. */
export interface MetricHistory {
  readonly stepMs: number;
  /** Beginning of each step, ascending; steps that are missing altogether are filled with null. */
  readonly at: readonly number[];
  readonly lines: readonly HistorySeries[];
}
