/**
 *   GET /api/history?span=hour|day    viewer    -> MetricHistory
 *   GET /api/runs/:run/history        viewer    -> MetricHistory
 */

export type HistoryMetric =
  /** succeeded upstream calls, completed items, tokens, failed calls, throttled calls; each per minute */
  | "calls"
  | "items"
  | "tokens"
  | "failures"
  | "throttles"
  /** failed items of a run, per minute */
  | "failed-items"
  /** money per minute, in the currency of the series */
  | "cost"
  /** jobs that are waiting, or delayed by a paused run or a parked lane, at the end of the step */
  | "queue-depth"
  /** median and 95th percentile of the duration of an upstream call, ms */
  | "upstream-p50"
  | "upstream-p95"
  /** alive at the end of the step */
  | "workers"
  /** bytes, at the end of the step */
  | "redis-memory";

export interface HistorySeries {
  /** Unique within one response: "calls", "calls:minimax", "queue-depth:minimax". */
  readonly seriesKey: string;
  readonly metric: HistoryMetric;
  /** Absent for all providers together. */
  readonly provider?: string;
  readonly currency?: string;
  /** One per element of `at`; null where no sample was taken. */
  readonly values: readonly (number | null)[];
}

/** When a run was active; charts mark its start and its end. */
export interface RunPeriod {
  readonly run: string;
  readonly name?: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Absent while it is active. For a stopped run, the last sign of life of its coordinator. */
  readonly endedAt?: number;
}

/** Data for charts. A step without a sample (no server was running, or Redis was unavailable) is null: a gap. */
export interface MetricHistory {
  readonly stepMs: number;
  /** Start of each step, ascending and without gaps. */
  readonly at: readonly number[];
  readonly lines: readonly HistorySeries[];
  /** Runs that started or ended within the period, newest first, at most 20; for a run's own history, that run. */
  readonly runs: readonly RunPeriod[];
}
