import { formatLane, type Lane } from "#src/core/lane.ts";
import type { Limiter, Settlement } from "#src/limiter/limiter.ts";
import { batchPerTick } from "#src/redis/batch-per-tick.ts";

type Settle = (settlement: Settlement) => Promise<{ readonly faultStreak: number }>;

/**
 * The same limiter, but for calls that end well at the same moment: they are settled together, in one script per lane.
 * What a failed call leads to depends on its own settlement, so that goes alone and at once.
 */
export function batchSettlements(limiter: Limiter): Limiter {
  const lanes = new Map<string, Settle>();
  const createSettler = (lane: Lane): Settle =>
    batchPerTick(async (settlements: readonly Settlement[]) => {
      const reply = await limiter.settle(lane, settlements);
      return settlements.map(() => reply);
    });
  return {
    ...limiter,
    settle(lane, settlements) {
      const [only] = settlements;
      if (only?.outcome !== "ok" || settlements.length !== 1) return limiter.settle(lane, settlements);
      const name = formatLane(lane);
      let settle = lanes.get(name);
      if (!settle) {
        settle = createSettler(lane);
        lanes.set(name, settle);
      }
      return settle(only);
    },
  };
}
