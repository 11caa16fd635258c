import { DURATION_BOUNDS_MS, type DurationHistogram, findDurationBucket } from "#src/core/duration-histogram.ts";
import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import { computeCost } from "#src/core/money.ts";
import { parseStoredNumber } from "#src/redis/stored-json.ts";
import type { CallMeasurement, LaneStats } from "./telemetry.ts";

/**
 * The statistics of a lane as fields of a Redis hash. Names are short and values are integers, so that Redis stores the
 * hash in its compact encoding: some hundred bytes per step.
 *
 *   c calls, a answered, i inputs, ti and to input and output tokens, t throttles, u unpriced, e:KIND errors,
 *   dN and fN durations and times to the first delta in bucket N, ds and fs their sums in ms, $CURRENCY cost in billionths
 */
export type FieldCounts = Map<string, number>;

const COST_UNITS = 1e9;

/** Adds one call to the counts that are not written yet. */
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
  const { tokens, price, at } = outcome;
  if (tokens) {
    add("ti", tokens.input);
    add("to", tokens.output);
  }
  const cost = price && tokens && at !== undefined ? computeCost(price, tokens, at) : undefined;
  if (price && cost !== undefined) add(`$${price.currency}`, cost * COST_UNITS);
  else add("u", 1);
}

function addDuration(add: (name: string, by: number) => void, prefix: "d" | "f", ms: number): void {
  add(`${prefix}${findDurationBucket(ms)}`, 1);
  add(`${prefix}s`, ms);
}

/**
 * Removes the integer part of all counts and returns it as names and amounts in turn. The fractions stay, so that
 * rounding loses nothing over many small calls.
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

/** Parses a hash. Unknown fields are ignored, and malformed numbers count as 0. */
export function parseLaneStats(hash: Readonly<Record<string, string>>): LaneStats {
  const read = (name: string) => amount(hash[name]);
  const errors: Partial<Record<ProviderErrorKind, number>> = {};
  const cost: Record<string, number> = {};
  for (const [name, value] of Object.entries(hash)) {
    // Error kinds that a later version added are kept, so that the errors still add up.
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
  const buckets = DURATION_BOUNDS_MS.length + 1;
  return {
    counts: Array.from({ length: buckets }, (_, i) => amount(hash[`${prefix}${i}`])),
    sumMs: amount(hash[`${prefix}s`]),
  };
}

function amount(text: string | undefined): number {
  return Math.max(0, parseStoredNumber(text) ?? 0);
}
