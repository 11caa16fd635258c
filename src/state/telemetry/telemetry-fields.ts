import { DURATION_BOUNDS_MS, type DurationHistogram, findDurationBucket } from "#src/core/duration-histogram.ts";
import type { ProviderErrorKind } from "#src/core/errors.ts";
import { computeCost } from "#src/core/money.ts";
import type { CallMeasurement, LaneStats } from "./telemetry.ts";

/**
 * How a lane's figures stand in a Redis hash. Names are short and values whole numbers, so that a hash stays in its
 * small form: some hundred bytes per step.
 *
 *   c calls, a answered, i inputs, ti and to tokens in and out, t throttles, u unpriced, e:KIND errors,
 *   dN and fN durations and first deltas of class N, ds and fs their sums in ms, $CURRENCY cost in billionths
 */
export type FieldCounts = Map<string, number>;

const COST_UNITS = 1e9;

/** Adds one call to what is waiting to be written. */
export function addMeasurement(fields: FieldCounts, outcome: CallMeasurement): void {
  const add = (name: string, by: number) => {
    if (by > 0) fields.set(name, (fields.get(name) ?? 0) + by);
  };
  const { error, inputs, durationMs, firstDeltaMs } = outcome;
  add("c", 1);
  if (firstDeltaMs !== undefined) addDuration(add, "f", firstDeltaMs);
  if (error !== undefined) {
    add(`e:${error}`, 1);
    if (error === "throttled" || error === "overloaded") add("t", 1);
    return;
  }
  add("a", 1);
  add("i", inputs);
  if (durationMs !== undefined) addDuration(add, "d", durationMs);
  const { tokens, price } = outcome;
  if (tokens) {
    add("ti", tokens.input);
    add("to", tokens.output);
  }
  const cost = price && tokens ? computeCost(price, tokens) : undefined;
  if (price && cost !== undefined) add(`$${price.currency}`, cost * COST_UNITS);
  else add("u", 1);
}

function addDuration(add: (name: string, by: number) => void, prefix: "d" | "f", ms: number): void {
  add(`${prefix}${findDurationBucket(ms)}`, 1);
  add(`${prefix}s`, ms);
}

/**
 * Takes the whole part of what is waiting, as name and amount in turn, and leaves the rest for the next time: over
 * many small calls nothing is lost by rounding.
 */
export function drainWholeCounts(fields: FieldCounts): (string | number)[] {
  const taken: (string | number)[] = [];
  for (const [name, amount] of fields) {
    const whole = Math.floor(amount);
    if (whole === amount) fields.delete(name);
    else fields.set(name, amount - whole);
    if (whole > 0) taken.push(name, whole);
  }
  return taken;
}

/** Reads a hash; fields of a later version are left alone, and what is no number counts as nothing. */
export function parseLaneStats(hash: Readonly<Record<string, string>>): LaneStats {
  const read = (name: string) => amount(hash[name]);
  const errors: Partial<Record<ProviderErrorKind, number>> = {};
  const cost: Record<string, number> = {};
  for (const [name, value] of Object.entries(hash)) {
    if (name.startsWith("e:")) errors[name.slice(2) as ProviderErrorKind] = amount(value);
    else if (name.startsWith("$")) cost[name.slice(1)] = amount(value) / COST_UNITS;
  }
  return {
    calls: read("c"),
    answered: read("a"),
    inputs: read("i"),
    tokens: { input: read("ti"), output: read("to") },
    throttles: read("t"),
    errors,
    durations: parseDurations(hash, "d"),
    firstDeltas: parseDurations(hash, "f"),
    cost,
    unpriced: read("u"),
  };
}

function parseDurations(hash: Readonly<Record<string, string>>, prefix: "d" | "f"): DurationHistogram {
  const classes = DURATION_BOUNDS_MS.length + 1;
  return {
    counts: Array.from({ length: classes }, (_, i) => amount(hash[`${prefix}${i}`])),
    sumMs: amount(hash[`${prefix}s`]),
  };
}

function amount(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
