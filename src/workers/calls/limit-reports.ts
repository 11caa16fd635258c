import { formatLane, type Lane, type ReportedLimit } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";

/** Limits that change little are reported this often, and those that are almost used up at every response. */
const INTERVAL_MS = 1_000;
const ALMOST_USED_UP = 0.2;

interface LastReport {
  readonly at: number;
  /** The limits without what is left of them. */
  readonly limits: string;
}

/** Passes the limits that responses report on to the limiter: those of the first response at once, later ones less often. */
export class LimitReports {
  readonly #limiter: Limiter;
  readonly #last = new Map<string, LastReport>();

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** Never rejects. A report that is lost is followed by others. */
  async add(lane: Lane, limits: readonly ReportedLimit[], now: number): Promise<void> {
    const name = formatLane(lane);
    const last = this.#last.get(name);
    const summary = limits.map(({ dimension, window, limit }) => `${dimension} ${window} ${limit}`).join(" ");
    const isUrgent = limits.some(({ limit, remaining = limit }) => remaining < limit * ALMOST_USED_UP);
    if (last && (limits.length === 0 || (last.limits === summary && !isUrgent && now - last.at < INTERVAL_MS))) return;
    this.#last.set(name, { at: now, limits: summary });
    await this.#limiter.report(lane, limits).catch(() => this.#last.delete(name));
  }
}
