import type { ListedWorker } from "../../queue/worker-list.ts";
import type { Overview, RunPhaseView, ServerHealth, WorkerView } from "../contract.ts";
import { describeRun, isAtEnd, phaseOf } from "../runs/describe-run.ts";
import { latestPoint } from "./build-history.ts";
import { describeTotals } from "./describe-providers.ts";
import type { Look, Sampler } from "./sampler.ts";

const ACTIVE_SHOWN = 20;

/** The first page, from one look. */
export function describeOverview(
  look: Look,
  { telemetry, gauges }: Pick<Sampler, "telemetry" | "gauges">,
  health: ServerHealth,
): Overview {
  const byPhase: Partial<Record<RunPhaseView, number>> = {};
  const active = [];
  for (const known of look.runs) {
    const phase = phaseOf(known);
    byPhase[phase] = (byPhase[phase] ?? 0) + 1;
    if (!isAtEnd(phase) && active.length < ACTIVE_SHOWN) active.push(describeRun(known));
  }
  return {
    at: look.at,
    health,
    lanes: look.lanes,
    providers: look.providers,
    workers: look.workers.map(describeWorker).sort((a, b) => Number(isDead(a)) - Number(isDead(b))),
    redis: look.redis,
    runs: { byPhase, active },
    totals: describeTotals(telemetry),
    latest: {
      hour: latestPoint(telemetry, gauges.hour, "hour"),
      day: latestPoint(telemetry, gauges.day, "day"),
    },
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
    ...(host === undefined ? {} : { host }),
    ...(pid === undefined ? {} : { pid }),
    ...(version === undefined ? {} : { version }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(jobs === undefined ? {} : { jobsInFlight: jobs }),
    ...(calls === undefined ? {} : { callsInFlight: calls }),
    ...(claimedAt === undefined ? {} : { lastClaimAt: claimedAt }),
  };
}
