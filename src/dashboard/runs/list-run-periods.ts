import { HISTORY_SPANS, type HistorySpan } from "#src/dashboard/overview/build-history.ts";
import type { RunPeriod } from "#src/dashboard/overview/history-api.ts";
import type { SystemSnapshot } from "#src/dashboard/sampling/snapshot-sampler.ts";
import type { RunInfo } from "./run-cache.ts";
import { summarizeRun } from "./summarize-run.ts";

/** With more markers, a chart is unreadable. */
const MAX_PERIODS = 20;

export function toRunPeriod(known: RunInfo): RunPeriod {
  const { run, name, createdAt, finishedAt, seenAt } = summarizeRun(known);
  return { run, name, startedAt: createdAt, endedAt: known.hasCoordinator ? undefined : (finishedAt ?? seenAt) };
}

/** The newest runs that started or ended within the span, newest first. Pure. */
export function listRunPeriods({ at, runs }: Pick<SystemSnapshot, "at" | "runs">, span: HistorySpan): RunPeriod[] {
  const from = at - HISTORY_SPANS[span].spanMs;
  return runs
    .map(toRunPeriod)
    .filter(({ startedAt, endedAt = startedAt }) => Math.max(startedAt, endedAt) >= from)
    .slice(0, MAX_PERIODS);
}
