import { formatLane, type Lane } from "#src/core/lane.ts";
import type { Limiter, Settlement, SettleReply } from "#src/limiter/limiter.ts";
import { batchPerTick } from "#src/redis/batch-per-tick.ts";

type Settle = (settlement: Settlement) => Promise<SettleReply>;

/**
 * Wraps a limiter so that calls that succeed at the same moment are settled together, with one script per lane. The
 * retry decision of a failed call depends on the reply to its own settlement, so failed calls are settled alone.
 */
export function batchSettlements(limiter: Limiter): Limiter {
  const settleByLane = new Map<string, Settle>();
  const createSettle = (lane: Lane): Settle =>
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
      const settle = settleByLane.get(name) ?? createSettle(lane);
      settleByLane.set(name, settle);
      return settle(only);
    },
  };
}
