import type { Clock } from "#src/core/clock.ts";
import type { OffPeakPeriod } from "#src/core/price-windows.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";

/** Finds the current or the next period with the lowest price; undefined if the price never changes. */
export type FindOffPeak = (now: number) => OffPeakPeriod | undefined;

export interface OffPeakHoldDeps {
  /** Absent if the run does not wait for a low price. */
  readonly findOffPeak?: FindOffPeak;
  readonly clock: Clock;
  readonly control: Pick<RunControl, "updateMeta">;
  readonly notify: (message: string) => void;
}

/** Holds a run while its price is not the lowest one: workers return its jobs, and no items are fed. */
export class OffPeakHold {
  readonly #deps: OffPeakHoldDeps;
  #until: number | undefined;
  #hasReported = false;

  constructor(deps: OffPeakHoldDeps) {
    this.#deps = deps;
  }

  /** When the price falls, epoch ms; undefined while it is the lowest, or if the run does not wait. */
  get until(): number | undefined {
    return this.#until;
  }

  /** Writes the hold to Redis, where workers see it within a second. */
  async publish(): Promise<void> {
    await this.#deps.control.updateMeta({ held: this.#until === undefined ? 0 : 1 });
  }

  /** Starts or ends the hold when it is time to. Resolves with true if it has ended. */
  async update(): Promise<boolean> {
    const { findOffPeak, clock, notify } = this.#deps;
    const now = clock.now();
    const period = findOffPeak?.(now);
    const until = period && period.start > now ? period.start : undefined;
    const hasChanged = until !== this.#until;
    const hasEnded = hasChanged && until === undefined;
    if (!hasChanged && this.#hasReported) return false;
    this.#hasReported = true;
    this.#until = until;
    await this.publish();
    if (until !== undefined) notify(`no calls until ${formatUtc(until)}, when the price falls (--off-peak)`);
    else if (period) notify(`the price is low until ${formatUtc(period.end)} (--off-peak)`);
    return hasEnded;
  }
}

/** "2026-11-30 16:30 UTC" */
function formatUtc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
