import fc from "fast-check";
import { expect, test } from "vitest";
import { countDurations } from "#src/core/duration-histogram.ts";
import { PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { addStats, type CallMeasurement, EMPTY_STATS } from "#src/state/telemetry/telemetry.ts";
import { addMeasurement, drainWholeCounts, parseLaneStats } from "#src/state/telemetry/telemetry-fields.ts";

const LANE = { provider: "p", account: "default", model: "m" };
const outcome: fc.Arbitrary<CallMeasurement> = fc.oneof(
  fc.record({ lane: fc.constant(LANE), inputs: fc.nat(64), error: fc.constantFrom(...PROVIDER_ERROR_KINDS) }),
  fc.record({
    lane: fc.constant(LANE),
    inputs: fc.nat(64),
    at: fc.nat(),
    durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    tokens: fc.record({ input: fc.nat(1e6), output: fc.nat(1e5) }),
    price: fc.constant({ inputPerMillionTokens: 0.7, outputPerMillionTokens: 2.1, currency: "CNY" }),
  }),
);

/** The fields in Redis after the flushes. */
function stored(flushes: readonly (readonly CallMeasurement[])[]): Record<string, string> {
  const hash: Record<string, string> = {};
  const fields = new Map<string, number>();
  for (const outcomes of flushes) {
    for (const each of outcomes) addMeasurement(fields, each);
    const pairs = drainWholeCounts(fields);
    for (let i = 0; i < pairs.length; i += 2) {
      const name = String(pairs[i]);
      hash[name] = String(Number(hash[name] ?? 0) + Number(pairs[i + 1]));
    }
  }
  return hash;
}

test("the statistics do not depend on how calls are spread over flushes", () => {
  fc.assert(
    fc.property(fc.array(fc.array(outcome, { maxLength: 10 }), { maxLength: 8 }), (flushes) => {
      const stats = parseLaneStats(stored(flushes));
      const all = flushes.flat();
      const answered = all.filter(({ error }) => error === undefined);
      const sum = (pick: (call: CallMeasurement) => number) => answered.reduce((total, call) => total + pick(call), 0);
      expect(stats.calls).toBe(all.length);
      expect(stats.answered).toBe(answered.length);
      expect(stats.inputs).toBe(sum(({ inputs }) => inputs));
      expect(stats.tokens.input).toBe(sum(({ tokens }) => tokens?.input ?? 0));
      expect(countDurations(stats.durations)).toBe(answered.length);
      expect(Math.abs(stats.durations.sumMs - sum(({ durationMs = 0 }) => durationMs))).toBeLessThan(1.001);
      const cost = sum(({ tokens }) => ((tokens?.input ?? 0) * 0.7 + (tokens?.output ?? 0) * 2.1) / 1e6);
      expect(Math.abs((stats.cost.CNY ?? 0) - cost)).toBeLessThan(1e-8);
      const failed = Object.values(stats.errors).reduce((a, b) => a + b, 0);
      expect(failed).toBe(all.length - answered.length);
    }),
  );
});

test("steps add up to the whole", () => {
  fc.assert(
    fc.property(fc.array(outcome), fc.array(outcome), (a, b) => {
      const sum = addStats(parseLaneStats(stored([a])), parseLaneStats(stored([b])));
      const whole = parseLaneStats(stored([[...a, ...b]]));
      expect(sum).toMatchObject({
        calls: whole.calls,
        inputs: whole.inputs,
        throttles: whole.throttles,
        errors: whole.errors,
        unpriced: whole.unpriced,
      });
      expect(sum.durations.counts).toEqual(whole.durations.counts);
    }),
  );
});

test("a free call costs nothing and is distinguished from a call without a price", () => {
  const free = { inputPerMillionTokens: 0, currency: "CNY" };
  const call = { lane: LANE, inputs: 1, at: 0, durationMs: 1, tokens: { input: 10, output: 0 } };
  expect(parseLaneStats(stored([[{ ...call, price: free }, call]]))).toMatchObject({
    answered: 2,
    unpriced: 1,
  });
});

test("fields that were never counted are zero", () => {
  expect(parseLaneStats({})).toEqual(EMPTY_STATS);
});
