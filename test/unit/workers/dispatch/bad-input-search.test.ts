import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { BadInputSearch, type GroupTest, halve } from "#src/workers/dispatch/bad-input-search.ts";

interface Outcome {
  readonly calls: number;
  /** Inputs whose own call was refused. */
  readonly failed: readonly number[];
  /** Inputs of accepted calls. */
  readonly answered: readonly number[];
}

interface SearchOptions {
  readonly inputs: number;
  readonly maxInputs: number;
  readonly isRefused: (inputs: readonly number[]) => boolean;
  /** Calls in flight at once. */
  readonly concurrency?: number;
  readonly search?: BadInputSearch;
}

/** Makes all calls that the strategy wants, until every input has failed or is answered. */
function searchAll({ inputs, maxInputs, isRefused, concurrency = 1, search }: SearchOptions): Outcome {
  const { accept, refuse, chooseCallSize } = bind(search ?? new BadInputSearch());
  /** The next one is last. */
  const unknown = Array.from({ length: inputs }, (_, i) => inputs - 1 - i);
  const ready: GroupTest<number>[] = [];
  const inFlight: GroupTest<number>[] = [];
  const failed: number[] = [];
  const answered: number[] = [];
  for (let calls = 0; ; calls += 1) {
    while (inFlight.length < concurrency && ready.length + unknown.length > 0) {
      inFlight.push(ready.shift() ?? { inputs: unknown.splice(-chooseCallSize(maxInputs)).reverse() });
    }
    const call = inFlight.shift();
    if (!call) return { calls, failed: failed.sort((a, b) => a - b), answered: answered.sort((a, b) => a - b) };
    if (calls > 20 * inputs) throw new Error("the search does not end");
    const hasFailed = isRefused(call.inputs);
    if (!hasFailed) answered.push(...call.inputs);
    else if (call.inputs.length === 1) failed.push(...call.inputs);
    const step = hasFailed ? refuse(call) : accept(call);
    ready.push(...step.tests);
    unknown.push(...step.unknown.toReversed());
  }
}

function bind(search: BadInputSearch) {
  return {
    accept: search.accept.bind(search),
    refuse: search.refuse.bind(search),
    chooseCallSize: search.chooseCallSize.bind(search),
  };
}

function drawBad(inputs: number, share: number, seed: number): Set<number> {
  const random = createSimulatorRandom(seed);
  return new Set(Array.from({ length: inputs }, (_, i) => i).filter(() => random() < share));
}

const containsAny = (bad: ReadonlySet<number>) => (inputs: readonly number[]) => inputs.some((i) => bad.has(i));

/** Calls of the previous strategy: a refused call is halved, and both halves are called. */
function countHalvingCalls(inputs: readonly number[], maxInputs: number, bad: ReadonlySet<number>): number {
  if (inputs.length > maxInputs) {
    const first = countHalvingCalls(inputs.slice(0, maxInputs), maxInputs, bad);
    return first + countHalvingCalls(inputs.slice(maxInputs), maxInputs, bad);
  }
  if (inputs.length <= 1 || !containsAny(bad)(inputs)) return 1;
  return halve(inputs).reduce((sum, half) => sum + countHalvingCalls(half, maxInputs, bad), 1);
}

/** Bits that are needed to say of one input whether it is bad. */
const entropy = (share: number) => -(share * Math.log2(share) + (1 - share) * Math.log2(1 - share));

test("every bad input ends alone in a refused call, and every good one in an accepted call", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 300 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 20 }),
      (isBad, maxInputs, concurrency) => {
        const bad = new Set(isBad.flatMap((is, i) => (is ? [i] : [])));
        const { failed, answered } = searchAll({
          inputs: isBad.length,
          maxInputs,
          concurrency,
          isRefused: containsAny(bad),
        });
        expect(failed).toEqual([...bad]);
        expect(answered).toEqual(isBad.flatMap((is, i) => (is ? [] : [i])));
      },
    ),
  );
});

test("whatever is refused, the search ends, and an input fails only if its own call is refused", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(),
      (inputs, maxInputs, concurrency, probability, seed) => {
        const random = createSimulatorRandom(seed);
        const isRefused = () => random() < probability;
        const { failed, answered } = searchAll({ inputs, maxInputs, concurrency, isRefused });
        expect([...failed, ...answered].sort((a, b) => a - b)).toEqual(Array.from({ length: inputs }, (_, i) => i));
      },
    ),
  );
});

describe.each([0.001, 0.01, 0.03, 0.1])("with a share of bad inputs of %d", (share) => {
  test.each([
    [10, 1],
    [10, 16],
    [64, 1],
    [64, 16],
  ])("calls of up to %i inputs, %i at once, are close to the minimum", (maxInputs, concurrency) => {
    const inputs = 10_000;
    let calls = 0;
    let previous = 0;
    const seeds = [1, 2, 3, 4, 5];
    for (const seed of seeds) {
      const bad = drawBad(inputs, share, seed);
      calls += searchAll({ inputs, maxInputs, concurrency, isRefused: containsAny(bad) }).calls / seeds.length;
      const all = Array.from({ length: inputs }, (_, i) => i);
      for (let i = 0; i < inputs; i += maxInputs) {
        previous += countHalvingCalls(all.slice(i, i + maxInputs), maxInputs, bad) / seeds.length;
      }
    }
    expect(calls).toBeLessThan(1.12 * (inputs * entropy(share) + inputs / maxInputs));
    expect(calls).toBeLessThan(previous);
  });
});

test("without bad inputs all calls are full", () => {
  for (const maxInputs of [10, 64, 2_048]) {
    const { calls } = searchAll({ inputs: maxInputs * 20, maxInputs, isRefused: () => false });
    expect(calls).toBe(20);
  }
});

test("one bad input does not make the following calls smaller", () => {
  const search = new BadInputSearch();
  searchAll({ inputs: 64, maxInputs: 64, isRefused: containsAny(new Set([40])), search });
  expect(search.chooseCallSize(64)).toBe(64);
});

test("the estimate follows the inputs: calls become smaller, and full again after the last bad input", () => {
  const search = new BadInputSearch();
  searchAll({ inputs: 5_000, maxInputs: 64, isRefused: containsAny(drawBad(5_000, 0.1, 1)), search });
  expect(search.share).toBeGreaterThan(0.07);
  expect(search.share).toBeLessThan(0.13);
  expect(search.chooseCallSize(64)).toBeLessThan(10);
  const { calls } = searchAll({ inputs: 20_000, maxInputs: 64, isRefused: () => false, search });
  expect(search.chooseCallSize(64)).toBe(64);
  expect(calls).toBeLessThan(1.5 * (20_000 / 64));
});

test("when every input is bad, nearly every call takes one input", () => {
  const { calls, failed } = searchAll({ inputs: 1_000, maxInputs: 64, isRefused: () => true });
  expect(failed).toHaveLength(1_000);
  expect(calls).toBeLessThan(1_100);
});

test.each([
  [32, 1],
  [32, 16],
  [40, 4],
  [50, 16],
])(
  "a provider that takes %i of 64 inputs per call (%i calls at once) costs no more than plain halving soon",
  (limit, concurrency) => {
    const isRefused = (inputs: readonly number[]) => inputs.length > limit;
    const { calls, failed } = searchAll({ inputs: 64_000, maxInputs: 64, concurrency, isRefused });
    expect(failed).toEqual([]);
    // Three calls per 64 inputs, and up to eight more for each of the first calls in flight.
    expect(calls).toBeLessThan(3_000 + 10 * (concurrency + 10));
  },
);

test("refusals by chance cost few calls, and inference is used again when bad inputs are found", () => {
  const random = createSimulatorRandom(5);
  const search = new BadInputSearch();
  const byChance = searchAll({
    inputs: 64_000,
    maxInputs: 64,
    isRefused: (inputs) => inputs.length > 1 && random() < 0.04,
    search,
  });
  expect(byChance.failed).toEqual([]);
  expect(byChance.calls).toBeLessThan(1_200);
  const bad = drawBad(10_000, 0.03, 1);
  const { calls } = searchAll({ inputs: 10_000, maxInputs: 64, isRefused: containsAny(bad), search });
  expect(calls).toBeLessThan(1.2 * 10_000 * entropy(0.03));
});
