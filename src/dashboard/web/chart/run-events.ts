import type { RunPeriod } from "#src/dashboard/overview/history-api.ts";

/** The start or the end of a run. */
export interface RunMarker {
  readonly kind: "started" | "ended";
  readonly run: string;
  readonly name: string;
  /** Epoch ms. */
  readonly at: number;
}

/** A selected step also shows events that are this share of the period away, because steps are narrow. */
const NEARBY_SHARE = 0.015;

/** The starts and ends of runs within the period of the steps, in the order of time. Pure. */
export function listRunEvents(runs: readonly RunPeriod[], times: readonly number[]): RunMarker[] {
  const [from = 0, second = 0, to = 0] = [times[0], times[1], times.at(-1)];
  const end = to + Math.max(0, second - from);
  return runs
    .flatMap(({ run, name = run, startedAt, endedAt }): RunMarker[] => [
      { kind: "started", run, name, at: startedAt },
      ...(endedAt === undefined ? [] : [{ kind: "ended" as const, run, name, at: endedAt }]),
    ])
    .filter(({ at }) => at >= from && at < end)
    .sort((a, b) => a.at - b.at);
}

/** The events at a step, or close to it; none for a step that does not exist. Pure. */
export function findNearbyEvents(events: readonly RunMarker[], times: readonly number[], index: number): RunMarker[] {
  const time = times[index];
  if (time === undefined) return [];
  const [from = 0, second = 0, to = 0] = [times[0], times[1], times.at(-1)];
  const step = Math.max(0, second - from);
  const distance = Math.max(0, (to - from) * NEARBY_SHARE - step);
  return events.filter(({ at }) => at >= time - distance && at < time + step + distance);
}
