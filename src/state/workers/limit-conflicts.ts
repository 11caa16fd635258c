import type { ListedWorker } from "./worker-list.ts";

/** A lane for which living workers are configured with different limits. */
export interface LimitConflict {
  readonly lane: string;
  /** "requestsPerMinute 120 (a 17, a 18); requestsPerMinute 600 (b 4)": every set of limits, with hosts and process ids. */
  readonly limits: string;
}

/** Each worker enforces its own limits, so that the highest ones apply to their calls. Pure. */
export function findLimitConflicts(
  workers: readonly Pick<ListedWorker, "id" | "state" | "host" | "pid" | "laneLimits">[],
): LimitConflict[] {
  const lanes = new Map<string, Map<string, string[]>>();
  for (const { id, state, host, pid, laneLimits } of workers) {
    if (state !== "alive") continue;
    for (const [lane, limits] of Object.entries(laneLimits)) {
      const shown =
        Object.entries(limits)
          .sort()
          .map(([name, value]) => `${name} ${value}`)
          .join(", ") || "none";
      const variants = lanes.get(lane) ?? new Map<string, string[]>();
      variants.set(shown, [...(variants.get(shown) ?? []), host === undefined ? id : `${host} ${pid ?? "?"}`]);
      lanes.set(lane, variants);
    }
  }
  return [...lanes].flatMap(([lane, variants]) => {
    if (variants.size < 2) return [];
    const limits = [...variants].map(([shown, names]) => `${shown} (${names.join(", ")})`).join("; ");
    return [{ lane, limits }];
  });
}
