import type { LaneStatus } from "#src/limiter/limiter.ts";
import type { RunLane } from "#src/producer/runs/run-environment.ts";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";

/** Longer than jobs of parked lanes are delayed, and than a dead worker's jobs take to return to their queue. */
const STUCK_MS = 2 * (QUEUE_SETTINGS.lockDurationMs + QUEUE_SETTINGS.stalledIntervalMs);

/**
 * Notices that a run with several models has only items of parked models left: the other models have no calls in
 * flight, do not wait for their provider, and nothing has happened for a while.
 */
export class StuckDetector {
  readonly #lanes: readonly RunLane[];
  #idle = { progress: -1, since: 0 };

  constructor(lanes: readonly RunLane[]) {
    this.#lanes = lanes;
  }

  /**
   * `statuses` are those of the lanes, in order; `progress` is any count that grows while the run makes progress; `now` is of
   * the monotonic clock.
   */
  isStuck(statuses: readonly LaneStatus[], progress: number, isPaused: boolean, now: number): boolean {
    const isBusy = statuses.some(
      ({ state, concurrency }) => state === "snoozed" || (state === "open" && concurrency.used > 0),
    );
    const canProgress = isPaused || isBusy || !this.#hasParkedModel(statuses);
    if (canProgress || progress !== this.#idle.progress) this.#idle = { progress, since: now };
    return now - this.#idle.since >= STUCK_MS;
  }

  /** Whether all lanes of some model are parked. */
  #hasParkedModel(statuses: readonly LaneStatus[]): boolean {
    const models = this.#lanes.map(({ lane }) => `${lane.provider}/${lane.model}`);
    const available = new Set(models.filter((_, i) => statuses[i]?.state !== "parked"));
    return models.some((model) => !available.has(model));
  }
}
