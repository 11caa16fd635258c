import { listRunPeriods } from "#src/dashboard/runs/list-run-periods.ts";
import type { RunPhaseView, RunSummary } from "#src/dashboard/runs/run-api.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { getRunPhase, isTerminalPhase, summarizeRun } from "#src/dashboard/runs/summarize-run.ts";
import type { ServerHealth } from "#src/dashboard/sampling/server-health.ts";
import type { SnapshotSampler, SystemSnapshot } from "#src/dashboard/sampling/snapshot-sampler.ts";
import { findLimitConflicts } from "#src/state/workers/limit-conflicts.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";
import { buildLatestPoint } from "./build-history.ts";
import { describeTotals } from "./describe-providers.ts";
import type { Overview, QueueView, WorkerView } from "./overview-api.ts";
import { countUnpriced, sumMoney, sumSpentLastDay } from "./sum-money.ts";

const MAX_ACTIVE_SHOWN = 20;
const MAX_FINISHED_SHOWN = 5;
const RECENTLY_FINISHED_MS = 3600_000;

/** The overview page, from one snapshot. Pure. */
export function describeOverview(
  snapshot: SystemSnapshot,
  { telemetry, gauges }: Pick<SnapshotSampler, "telemetry" | "gauges">,
  health: ServerHealth,
): Overview {
  const spent = sumSpentLastDay(telemetry);
  return {
    at: snapshot.at,
    health,
    lanes: snapshot.lanes,
    providers: snapshot.providers,
    workers: snapshot.workers.map(describeWorker).sort((a, b) => Number(isDead(a)) - Number(isDead(b))),
    limitConflicts: findLimitConflicts(snapshot.workers),
    redis: snapshot.redis,
    runs: describeRuns(snapshot),
    standalone: countStandaloneJobs(snapshot),
    spentLastDay: spent.length === 0 ? undefined : spent,
    totals: describeTotals(telemetry),
    latest: {
      hour: { ...buildLatestPoint(telemetry, gauges.hour, "hour"), runs: listRunPeriods(snapshot, "hour") },
      day: { ...buildLatestPoint(telemetry, gauges.day, "day"), runs: listRunPeriods(snapshot, "day") },
    },
  };
}

function describeRuns({ runs, at }: Pick<SystemSnapshot, "runs" | "at">): Overview["runs"] {
  const byPhase: Partial<Record<RunPhaseView, number>> = {};
  const active: RunSummary[] = [];
  const recentlyFinished: RunSummary[] = [];
  for (const known of runs) {
    const phase = getRunPhase(known);
    byPhase[phase] = (byPhase[phase] ?? 0) + 1;
    if (!isTerminalPhase(phase)) active.push(summarizeRun(known));
    else if (at - getEndTime(known) <= RECENTLY_FINISHED_MS) recentlyFinished.push(summarizeRun(known));
  }
  const getFinishTime = ({ finishedAt, seenAt = 0 }: RunSummary) => finishedAt ?? seenAt;
  return {
    byPhase,
    active: selectActiveRuns(active),
    activeTotal: active.length,
    recentlyFinished: recentlyFinished.sort((a, b) => getFinishTime(b) - getFinishTime(a)).slice(0, MAX_FINISHED_SHOWN),
    money: sumMoney(active),
    unpriced: countUnpriced(active),
  };
}

/** When a run ended, by its coordinator's clock. */
function getEndTime({ published }: RunInfo): number {
  return published?.end ? published.at : Number.NEGATIVE_INFINITY;
}

/** The newest runs, but stalled runs take precedence, because they need attention. */
function selectActiveRuns(active: readonly RunSummary[]): RunSummary[] {
  const isStalled = ({ phase }: RunSummary) => phase === "stopped" || phase === "parked";
  const chosen = [...active.filter(isStalled), ...active.filter((run) => !isStalled(run))].slice(0, MAX_ACTIVE_SHOWN);
  const shown = new Set(chosen);
  return active.filter((run) => shown.has(run));
}

/** While no run is active, all queued jobs belong to standalone items. */
function countStandaloneJobs({ queues, runs }: SystemSnapshot): NonNullable<Overview["standalone"]> {
  const hasNoActiveRun = runs.every((known) => isTerminalPhase(getRunPhase(known)));
  const counted = queues.filter(({ priority }) => hasNoActiveRun || priority === "interactive");
  const sum = (pick: (queue: QueueView) => number) => counted.reduce((total, queue) => total + pick(queue), 0);
  return {
    waiting: sum(({ waiting, delayed }) => waiting + delayed),
    active: sum(({ active }) => active),
  };
}

function isDead({ state }: WorkerView): boolean {
  return state === "dead";
}

function describeWorker(worker: ListedWorker): WorkerView {
  const { id, state, seenAt, queues, host, pid, version, startedAt, jobs, calls, claimedAt } = worker;
  return {
    id,
    state,
    seenAt,
    queues,
    host,
    pid,
    version,
    startedAt,
    jobsInFlight: jobs,
    callsInFlight: calls,
    lastClaimAt: claimedAt,
  };
}
