import type { ListedWorker } from "../../queue/worker-list.ts";
import type { Overview, QueueView, RunPhaseView, RunSummary, ServerHealth, WorkerView } from "../contract.ts";
import { describeRun, isAtEnd, phaseOf } from "../runs/describe-run.ts";
import type { KnownRun } from "../runs/run-book.ts";
import { latestPoint } from "./build-history.ts";
import { describeTotals } from "./describe-providers.ts";
import type { Look, Sampler } from "./sampler.ts";
import { countUnpriced, spentToday, sumMoney } from "./sum-money.ts";

const ACTIVE_SHOWN = 20;
const ENDED_SHOWN = 5;
const ENDED_MS = 3600_000;

/** The first page, from one look. */
export function describeOverview(
  look: Look,
  { telemetry, gauges }: Pick<Sampler, "telemetry" | "gauges">,
  health: ServerHealth,
): Overview {
  const spent = spentToday(telemetry);
  return {
    at: look.at,
    health,
    lanes: look.lanes,
    providers: look.providers,
    workers: look.workers.map(describeWorker).sort((a, b) => Number(isDead(a)) - Number(isDead(b))),
    redis: look.redis,
    runs: describeRuns(look),
    alone: countAlone(look),
    spentToday: spent.length === 0 ? undefined : spent,
    totals: describeTotals(telemetry),
    latest: {
      hour: latestPoint(telemetry, gauges.hour, "hour"),
      day: latestPoint(telemetry, gauges.day, "day"),
    },
  };
}

function describeRuns({ runs, at }: Pick<Look, "runs" | "at">): Overview["runs"] {
  const byPhase: Partial<Record<RunPhaseView, number>> = {};
  const active: RunSummary[] = [];
  const ended: RunSummary[] = [];
  for (const known of runs) {
    const phase = phaseOf(known);
    byPhase[phase] = (byPhase[phase] ?? 0) + 1;
    if (!isAtEnd(phase)) active.push(describeRun(known));
    else if (at - endOf(known) <= ENDED_MS) ended.push(describeRun(known));
  }
  const endedAt = ({ finishedAt, seenAt = 0 }: RunSummary) => finishedAt ?? seenAt;
  return {
    byPhase,
    active: chooseShown(active),
    activeTotal: active.length,
    ended: ended.sort((a, b) => endedAt(b) - endedAt(a)).slice(0, ENDED_SHOWN),
    money: sumMoney(active),
    unpriced: countUnpriced(active),
  };
}

/** When a run that is at its end was last heard of, by its own coordinator's clock. */
function endOf({ published }: KnownRun): number {
  return published?.end ? published.at : Number.NEGATIVE_INFINITY;
}

/** The newest, but of those that stand still as many as there is room for: they are what a person is needed for. */
function chooseShown(active: readonly RunSummary[]): RunSummary[] {
  const isStill = ({ phase }: RunSummary) => phase === "stopped" || phase === "parked";
  const chosen = [...active.filter(isStill), ...active.filter((run) => !isStill(run))].slice(0, ACTIVE_SHOWN);
  const shown = new Set(chosen);
  return active.filter((run) => shown.has(run));
}

/** While no run is under way, whatever is queued is of no run. */
function countAlone({ queues, runs }: Look): NonNullable<Overview["alone"]> {
  const noRun = runs.every((known) => isAtEnd(phaseOf(known)));
  const own = queues.filter(({ priority }) => noRun || priority === "interactive");
  const sum = (of: (queue: QueueView) => number) => own.reduce((all, queue) => all + of(queue), 0);
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
