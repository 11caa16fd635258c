import { expect, test } from "vitest";
import { CanaryWatch, type SentCanary } from "#src/workers/canaries/canary-watch.ts";
import type { EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import { JobCompletion } from "#src/workers/jobs/job-completion.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { createMemoryLedger } from "#test/support/redis/memory-ledger.ts";

const ledger = createMemoryLedger();

function inputs(count: number, tokens: number, more: Partial<EmbeddingInput> = {}): EmbeddingInput[] {
  return Array.from({ length: count }, (_, index) => ({
    runId: "run",
    isInteractive: false,
    ledger,
    completion: new JobCompletion(1),
    index,
    text: "text",
    tokens,
    bytes: 4,
    arrivedAt: 0,
    attempts: 0,
    chargedAttempts: 0,
    snoozes: 0,
    hasCanaries: true,
    ...more,
  }));
}

const LANE = "minimax/embo-01";
const good = Float32Array.from([1, 2, 3]);
const bad = Float32Array.from([3, -2, 1]);

function openWatch(maxInputs = 10) {
  const clock = createFakeClock();
  const watch = new CanaryWatch(maxInputs, clock);
  /** Makes calls until one carries a canary; returns that one and how many calls and tokens came before it. */
  const callUntilCanary = (batch: readonly EmbeddingInput[]) => {
    for (let calls = 1; calls < 10_000; calls += 1) {
      const [first] = batch;
      const room = first && watch.roomFor(first);
      const canary = watch.startCall(batch, room !== undefined, LANE);
      if (canary) return { canary, calls, tokens: calls * batch.reduce((sum, each) => sum + each.tokens, 0) };
    }
    throw new Error("no canary was sent");
  };
  const judge = (canary: SentCanary, vector: Float32Array, size: number) => {
    const vectors = new Float32Array((size + 1) * 3).fill(0.5);
    vectors.set(vector, canary.place * 3);
    return watch.judge(canary, { vectors, dimensions: 3 });
  };
  return { watch, clock, callUntilCanary, judge };
}

test.each([5, 100, 4_000])("canaries are fewer than 0.1 %% of the tokens and calls (texts of %i tokens)", (tokens) => {
  const { callUntilCanary, judge, watch } = openWatch();
  const batch = inputs(9, tokens);
  for (let sent = 0; sent < 5; sent += 1) {
    const found = callUntilCanary(batch);
    expect(found.tokens).toBeGreaterThan(15_000);
    if (sent >= 2) expect(found.calls).toBeGreaterThan(200);
    expect(judge(found.canary, good, 9)).toBeUndefined();
    watch.recordItems(batch);
  }
});

test("a second mismatch in a row is final, one alone is not", () => {
  const { callUntilCanary, judge, watch } = openWatch();
  const batch = inputs(9, 100);
  const next = (vector: Float32Array) => judge(callUntilCanary(batch).canary, vector, 9);
  expect(next(good)).toBeUndefined();
  expect(next(good)).toBeUndefined();
  watch.recordItems(inputs(3, 100));
  expect(next(bad)).toMatchObject({ isRepeated: false });
  expect(callUntilCanary(batch).calls).toBe(1);
  expect(next(good)).toBeUndefined();
  watch.recordItems(inputs(1, 100, { index: 77 }));
  expect(next(bad)).toMatchObject({ isRepeated: false, message: expect.stringContaining("among them the items 77") });
  expect(next(bad)).toMatchObject({
    isRepeated: true,
    message: expect.stringContaining("the last canary that matched"),
  });
});

test("a mismatch with a reference that nothing has confirmed makes all records suspect", () => {
  const { callUntilCanary, judge } = openWatch();
  const batch = inputs(9, 100);
  expect(judge(callUntilCanary(batch).canary, bad, 9)).toBeUndefined();
  const message = expect.stringContaining("since the start of the run");
  expect(judge(callUntilCanary(batch).canary, good, 9)).toMatchObject({ message });
});

test("every run has its own reference", () => {
  const { callUntilCanary, judge } = openWatch();
  expect(judge(callUntilCanary(inputs(9, 100)).canary, good, 9)).toBeUndefined();
  expect(judge(callUntilCanary(inputs(9, 100, { runId: "other" })).canary, bad, 9)).toBeUndefined();
});

test("neither runs without canaries nor models with one input per call get any", () => {
  const { callUntilCanary } = openWatch();
  expect(() => callUntilCanary(inputs(9, 100, { hasCanaries: false }))).toThrow("no canary");
  expect(() => openWatch(1).callUntilCanary(inputs(1, 100))).toThrow("no canary");
});

test("after a parked lane was opened again, the next canary is a new reference", async () => {
  const { watch, clock, callUntilCanary, judge } = openWatch();
  const batch = inputs(9, 100);
  judge(callUntilCanary(batch).canary, good, 9);
  const inFlight = callUntilCanary(batch).canary;
  expect(judge(callUntilCanary(batch).canary, bad, 9)).toMatchObject({ isRepeated: false });
  const rejected = callUntilCanary(batch).canary;
  expect(judge(rejected, bad, 9)).toMatchObject({ isRepeated: true });
  watch.recordPark(rejected, LANE);
  // A call that was granted before, and one of another account.
  expect(judge(callUntilCanary(batch).canary, bad, 9)).toBeDefined();
  await clock.advance(60_000);
  const other = watch.startCall(batch, true, "minimax:other/embo-01");
  expect(other && judge(other, bad, 9)).toBeDefined();
  expect(judge(callUntilCanary(batch).canary, bad, 9)).toBeUndefined();
  expect(judge(callUntilCanary(batch).canary, bad, 9)).toBeUndefined();
  expect(judge(inFlight, bad, 9)).toBeDefined();
  expect(judge(callUntilCanary(batch).canary, good, 9)).toMatchObject({ isRepeated: false });
});
