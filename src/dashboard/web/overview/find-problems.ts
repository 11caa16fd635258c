import type { Overview } from "#src/dashboard/overview/overview-api.ts";

/** Something that stands still or soon will, and needs somebody to look. */
export type OverviewProblem =
  | {
      readonly kind: "lane-parked" | "lane-snoozed" | "lane-out";
      readonly name: string;
      readonly reason?: string;
      readonly reasonKind?: string;
    }
  | { readonly kind: "run-parked" | "run-stopped"; readonly run: string; readonly name: string }
  | { readonly kind: "worker-dead" | "queue-paused"; readonly name: string }
  | { readonly kind: "no-worker"; readonly queue: string; readonly waiting: number }
  | { readonly kind: "redis-memory"; readonly usedBytes: number; readonly warningBytes: number };

/** Faults in a row after which the limiter lets one probe through at a time. */
const CIRCUIT_OPEN_FAULTS = 5;
const CRITICAL_KINDS: ReadonlySet<OverviewProblem["kind"]> = new Set([
  "lane-parked",
  "lane-out",
  "run-parked",
  "run-stopped",
  "no-worker",
  "queue-paused",
  "redis-memory",
]);

/** All that is stuck, the worst first; a paused run is not: somebody wanted it so. */
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

function fromLanes({ lanes }: Overview): OverviewProblem[] {
  return lanes.flatMap(({ name, state, reason, reasonKind, faultStreak }): OverviewProblem[] => {
    const why = {
      reason,
      reasonKind,
    };
    if (state === "parked") return [{ kind: "lane-parked", name, ...why }];
    if (faultStreak !== undefined && faultStreak >= CIRCUIT_OPEN_FAULTS) return [{ kind: "lane-out", name, ...why }];
    if (state === "snoozed") return [{ kind: "lane-snoozed", name, ...why }];
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
  const taken = new Set(workers.filter(({ state }) => state === "alive").flatMap(({ queues }) => queues));
  return providers.flatMap(({ queues }) =>
    queues.flatMap(({ name, waiting, paused }): OverviewProblem[] => {
      if (paused) return [{ kind: "queue-paused", name }];
      return waiting > 0 && !taken.has(name) ? [{ kind: "no-worker", queue: name, waiting }] : [];
    }),
  );
}

function fromRedis({ redis: { usedBytes, warningBytes } }: Overview): OverviewProblem[] {
  if (usedBytes === undefined || warningBytes === undefined || usedBytes < warningBytes) return [];
  return [{ kind: "redis-memory", usedBytes, warningBytes }];
}

function fromWorkers({ workers }: Overview): OverviewProblem[] {
  return workers
    .filter(({ state }) => state === "dead")
    .map(({ id, host, pid }) => ({
      kind: "worker-dead",
      name: host === undefined ? id : pid === undefined ? host : `${host} ${pid}`,
    }));
}
