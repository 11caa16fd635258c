import type { RunCounter, RunCounters } from "#src/state/runs/run-ledger.ts";

/** The larger value of each counter, because Redis may have lost counts that the last checkpoint has. */
export function mergeCounters(fresh: RunCounters, last: RunCounters): RunCounters {
  const merged: Partial<Record<RunCounter, number>> = { ...fresh };
  for (const name of Object.keys(last) as RunCounter[]) merged[name] = Math.max(merged[name] ?? 0, last[name] ?? 0);
  return merged;
}

/** Calls without an answer or an error so far, including those of processes that died. */
export function countUnansweredCalls({
  callsMade = 0,
  callsAnswered = 0,
  callsFailed = 0,
  callsRefused = 0,
}: RunCounters): number {
  return callsMade - callsAnswered - callsFailed - callsRefused;
}

/**
 * Calls whose answer was not needed: those whose records were refused and, once no call is in flight, those of processes
 * that died.
 */
export function countCallsPaidTwice(counters: RunCounters, hasCallsInFlight: boolean): number {
  const { callsMade = 0, callsAnswered = 0, callsFailed = 0, callsRefused = 0 } = counters;
  return hasCallsInFlight ? callsRefused : Math.max(callsRefused, callsMade - callsAnswered - callsFailed);
}

/** Inputs per call as a share of what a call may carry; undefined before the first call. */
export function computeBatchFill({ inputs = 0, capacity }: RunCounters): number | undefined {
  return capacity ? inputs / capacity : undefined;
}
