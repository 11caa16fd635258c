import { OUTAGE_STREAK } from "#src/core/lane.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";

/** An entry under "Needs attention": something that is stuck, or soon will be. */
export type OverviewProblem =
  | {
      readonly kind: "lane-parked" | "lane-snoozed" | "lane-out" | "lane-hanging";
      readonly name: string;
      readonly reason?: string;
      readonly reasonKind?: string;
    }
  | { readonly kind: "run-parked" | "run-stopped"; readonly run: string; readonly name: string }
  | { readonly kind: "worker-dead" | "queue-paused" | "limits-differ"; readonly name: string }
  | { readonly kind: "no-worker"; readonly queue: string; readonly waiting: number }
  | { readonly kind: "redis-memory"; readonly usedBytes: number; readonly warningBytes: number };

const CRITICAL_KINDS: ReadonlySet<OverviewProblem["kind"]> = new Set([
  "lane-parked",
  "lane-out",
  "run-parked",
  "run-stopped",
  "no-worker",
  "queue-paused",
  "redis-memory",
]);

/** All problems, critical ones first. A paused run is not a problem, because a user paused it. */
export function findProblems(overview: Overview): OverviewProblem[] {
  const found = [
    ...fromLanes(overview),
    ...fromRuns(overview),
    ...fromQueues(overview),
    ...fromRedis(overview),
    ...fromWorkers(overview),
  ];
  return [...found.filter(isCritical), ...found.filter((problem) => !isCritical(problem))];
}

export function isCritical({ kind }: OverviewProblem): boolean {
  return CRITICAL_KINDS.has(kind);
}

/** An out lane lets one probe call through at a time. */
export function isLaneOut(faultStreak: number | undefined): boolean {
  return faultStreak !== undefined && faultStreak >= OUTAGE_STREAK;
}

function fromLanes({ lanes }: Overview): OverviewProblem[] {
  return lanes.flatMap(({ name, state, reason, reasonKind, faultStreak, hanging }): OverviewProblem[] => {
    const cause = { reason, reasonKind };
    if (state === "parked") return [{ kind: "lane-parked", name, ...cause }];
    if (isLaneOut(faultStreak)) return [{ kind: "lane-out", name, ...cause }];
    if (state === "snoozed") return [{ kind: "lane-snoozed", name, ...cause }];
    if (hanging && hanging.calls > 0) return [{ kind: "lane-hanging", name }];
    return [];
  });
}

function fromRuns({ runs }: Overview): OverviewProblem[] {
  return runs.active.flatMap(({ run, name = run, phase }): OverviewProblem[] => {
    if (phase === "parked") return [{ kind: "run-parked", run, name }];
    if (phase === "stopped") return [{ kind: "run-stopped", run, name }];
    return [];
  });
}

function fromQueues({ providers, workers }: Overview): OverviewProblem[] {
  const servedQueues = new Set(workers.filter(({ state }) => state === "alive").flatMap(({ queues }) => queues));
  return providers.flatMap(({ queues }) =>
    queues.flatMap(({ name, waiting, paused }): OverviewProblem[] => {
      if (paused) return [{ kind: "queue-paused", name }];
      return waiting > 0 && !servedQueues.has(name) ? [{ kind: "no-worker", queue: name, waiting }] : [];
    }),
  );
}

function fromRedis({ redis: { usedBytes, warningBytes } }: Overview): OverviewProblem[] {
  if (usedBytes === undefined || warningBytes === undefined || usedBytes < warningBytes) return [];
  return [{ kind: "redis-memory", usedBytes, warningBytes }];
}

function fromWorkers({ workers, limitConflicts = [] }: Overview): OverviewProblem[] {
  const conflicts = limitConflicts.map(({ lane, limits }) => ({
    kind: "limits-differ" as const,
    name: `${lane}: ${limits}`,
  }));
  const dead = workers
    .filter(({ state }) => state === "dead")
    .map(({ id, host, pid }) => ({
      kind: "worker-dead" as const,
      name: host === undefined ? id : pid === undefined ? host : `${host} ${pid}`,
    }));
  return [...dead, ...conflicts];
}
