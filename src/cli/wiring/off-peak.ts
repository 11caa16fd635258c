import type { Config } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { findOffPeakPeriod } from "#src/core/price-windows.ts";
import type { FindOffPeak } from "#src/producer/runs/off-peak-hold.ts";

/** The low prices that the models of a run have at the same time. Throws RunError if their prices never change. */
export function requireOffPeak({ registry }: Config, models: readonly string[]): FindOffPeak {
  const prices = models.flatMap((name) => registry.findModel(name).model.price ?? []);
  const findOffPeak: FindOffPeak = (now) => findOffPeakPeriod(prices, now);
  if (findOffPeak(Date.now())) return findOffPeak;
  throw new RunError(
    `--off-peak needs a price that depends on the time, and none is known for ${models.join(", ")}`,
    "Set the windows of the model's price in sluice.yaml (see sluice.example.yaml).",
  );
}

/** The time that a preview computes the cost for: now, or the start of the next low price, epoch ms. */
export function findCallTime(config: Config, models: readonly string[], offPeak: boolean, now: number): number {
  return offPeak ? (requireOffPeak(config, models)(now)?.start ?? now) : now;
}
