import type { Overview } from "../../contract.ts";

/** Something that stands still or soon will, and needs somebody to look. */
export type Trouble =
  | {
      readonly kind: "lane-parked" | "lane-snoozed" | "lane-out";
      readonly name: string;
      readonly reason?: string;
      readonly reasonKind?: string;
    }
  | { readonly kind: "run-parked" | "run-stopped"; readonly run: string; readonly name: string }
  | { readonly kind: "worker-dead" | "queue-paused"; readonly name: string }
  | { readonly kind: "no-worker"; readonly queue: string; readonly waiting: number }
  | { readonly kind: "redis-memory"; readonly usedBytes: number; readonly markBytes: number };

/** Faults in a row after which the limiter lets one probe through at a time. */
const OUT = 5;
const SERIOUS: ReadonlySet<Trouble["kind"]> = new Set([
  "lane-parked",
  "lane-out",
  "run-parked",
  "run-stopped",
  "no-worker",
  "queue-paused",
  "redis-memory",
]);

/** All that is stuck, the worst first; a paused run is not: somebody wanted it so. */
export function findTrouble(overview: Overview): Trouble[] {
  const found = [
    ...fromLanes(overview),
    ...fromRuns(overview),
    ...fromQueues(overview),
    ...fromRedis(overview),
    ...fromWorkers(overview),
  ];
  return [...found.filter(isSerious), ...found.filter((trouble) => !isSerious(trouble))];
}

export function isSerious({ kind }: Trouble): boolean {
  return SERIOUS.has(kind);
}

function fromLanes({ lanes }: Overview): Trouble[] {
  return lanes.flatMap(({ name, state, reason, reasonKind, faultStreak }): Trouble[] => {
    const why = {
      reason,
      reasonKind,
    };
    if (state === "parked") return [{ kind: "lane-parked", name, ...why }];
    if (faultStreak !== undefined && faultStreak >= OUT) return [{ kind: "lane-out", name, ...why }];
    if (state === "snoozed") return [{ kind: "lane-snoozed", name, ...why }];
    return [];
  });
}

function fromRuns({ runs }: Overview): Trouble[] {
  return runs.active.flatMap(({ run, name = run, phase }): Trouble[] => {
    if (phase === "parked") return [{ kind: "run-parked", run, name }];
    if (phase === "stopped") return [{ kind: "run-stopped", run, name }];
    return [];
  });
}

function fromQueues({ providers, workers }: Overview): Trouble[] {
  const taken = new Set(workers.filter(({ state }) => state === "alive").flatMap(({ queues }) => queues));
  return providers.flatMap(({ queues }) =>
    queues.flatMap(({ name, waiting, paused }): Trouble[] => {
      if (paused) return [{ kind: "queue-paused", name }];
      return waiting > 0 && !taken.has(name) ? [{ kind: "no-worker", queue: name, waiting }] : [];
    }),
  );
}

function fromRedis({ redis: { usedBytes, markBytes } }: Overview): Trouble[] {
  if (usedBytes === undefined || markBytes === undefined || usedBytes < markBytes) return [];
  return [{ kind: "redis-memory", usedBytes, markBytes }];
}

function fromWorkers({ workers }: Overview): Trouble[] {
  return workers
    .filter(({ state }) => state === "dead")
    .map(({ id, host, pid }) => ({
      kind: "worker-dead",
      name: host === undefined ? id : pid === undefined ? host : `${host} ${pid}`,
    }));
}
