import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { RETRY_DEFAULTS } from "#src/core/failures/decide-after-failure.ts";
import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { EmbeddingModel } from "#src/providers/provider.ts";
import { LaneProber } from "#src/workers/calls/lane-prober.ts";
import { LimitReports } from "#src/workers/calls/limit-reports.ts";
import { runBatch } from "#src/workers/calls/run-embedding-call.ts";
import type { EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import { LaneChooser } from "#src/workers/dispatch/lane-chooser.ts";
import { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import { HangingCalls } from "#src/workers/hanging/hanging-calls.ts";
import { JobCompletion } from "#src/workers/jobs/job-completion.ts";
import { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeClock, type FakeClock, flushPromises } from "#test/support/fakes/fake-clock.ts";
import { createFakeEmbedding, createProviderError, vectorOf } from "#test/support/fakes/fake-embedding.ts";
import { createFakeLimiter } from "#test/support/fakes/fake-limiter.ts";
import { createMemoryLedger, type MemoryLedger } from "#test/support/redis/memory-ledger.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const STOPPING = new ReturnToQueue("the worker is stopping");

interface DispatcherHarness {
  readonly clock: FakeClock;
  readonly limiter: Limiter;
  readonly ledger: MemoryLedger;
  readonly dispatcher: ModelDispatcher<EmbeddingInput, EmbeddingModel>;
  input(text: string, index: number, runId: string, completion: JobCompletion): EmbeddingInput;
  /** Submits the texts of one job. `outcome` is "open", "finished", or why the job was returned. */
  job(
    texts: readonly string[],
    runId?: string,
    isInteractive?: boolean,
  ): { readonly completion: JobCompletion; readonly outcome: string };
  /** Advances the clock until no timer is left. */
  drain(): Promise<void>;
  /** Cuts the calls in flight, as the end of the grace period does. */
  abort(): void;
}

const dispatchers: DispatcherHarness[] = [];
afterEach(async () => {
  for (const { dispatcher, clock } of dispatchers.splice(0)) {
    const stopped = dispatcher.stop(STOPPING);
    await clock.advance(3_600_000);
    await stopped;
  }
});

function openDispatcherHarness(
  model: EmbeddingModel,
  {
    limits = {},
    maxCalls = 8,
    lingerMs = 15,
    random = () => 0.5,
    wrap = (limiter: Limiter) => limiter,
    log = silentLog,
  }: {
    limits?: LaneLimits;
    maxCalls?: number;
    lingerMs?: number;
    random?: () => number;
    wrap?: (limiter: Limiter) => Limiter;
    log?: typeof silentLog;
  } = {},
): DispatcherHarness {
  const clock = createFakeClock();
  const limiter = wrap(createFakeLimiter(clock));
  const ledger = createMemoryLedger();
  const aborted = new AbortController();
  const deps = {
    limiter,
    clock,
    log,
    signal: aborted.signal,
    policy: { ...RETRY_DEFAULTS, random },
    prober: new LaneProber(),
    limitReports: new LimitReports(limiter),
    hangingCalls: new HangingCalls({ limiter, clock, log, worker: "w", settings: {} }),
  };
  const dispatcher = new ModelDispatcher<EmbeddingInput, EmbeddingModel>(
    new LaneChooser(limiter, [{ lane: LANE, limits, model }]),
    { limits: { maxInputs: model.maxInputs }, maxCalls, lingerMs, canCall: () => true },
    { ...deps, call: (inputs, grant) => runBatch(inputs, grant, { purpose: "db" }, deps) },
  );
  let nextIndex = 0;
  const harness: DispatcherHarness = {
    clock,
    limiter,
    ledger,
    dispatcher,
    input: (...args) => input(...args),
    job(texts, runId = "run", isInteractive = false) {
      const completion = new JobCompletion(texts.length);
      const job = { completion, outcome: "open" };
      completion.finished.then(
        () => {
          job.outcome = "finished";
        },
        (reason: ReturnToQueue) => {
          job.outcome = reason.message;
        },
      );
      dispatcher.submit(texts.map((text) => ({ ...input(text, nextIndex++, runId, completion), isInteractive })));
      return job;
    },
    abort: () => aborted.abort(STOPPING),
    async drain() {
      await flushPromises();
      while (clock.nextWake !== undefined) await clock.advance(Math.max(1, clock.nextWake - clock.now()));
    },
  };
  const input = (text: string, index: number, runId: string, completion: JobCompletion): EmbeddingInput => ({
    runId,
    isInteractive: false,
    ledger,
    completion,
    index,
    text,
    tokens: Math.max(1, Math.ceil(text.length / 4)),
    bytes: Buffer.byteLength(text),
    arrivedAt: clock.monotonic(),
    attempts: 0,
    chargedAttempts: 0,
    snoozes: 0,
  });
  dispatchers.push(harness);
  return harness;
}

const texts = (count: number, prefix = "text") => Array.from({ length: count }, (_, i) => `${prefix} ${i}`);

test("inputs of many jobs are packed into full calls", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  const jobs = texts(1_000).map((text) => harness.job([text]));
  await harness.drain();
  expect(model.calls.length).toBeLessThanOrEqual(105);
  expect(new Set(jobs.map((job) => job.outcome))).toEqual(new Set(["finished"]));
  expect(harness.ledger.records.size).toBe(1_000);
});

test("reservations of interactive calls are requested first, and as interactive", async () => {
  const asked: (readonly [wants: number, interactive: number | undefined])[] = [];
  const wrap = (limiter: Limiter): Limiter => ({
    ...limiter,
    reserve: async (...args) => {
      asked.push([args[2].length, args[3]]);
      return await limiter.reserve(...args);
    },
  });
  const model = createFakeEmbedding({ maxInputs: 1 });
  const harness = openDispatcherHarness(model, { wrap, limits: { concurrency: 1 }, maxCalls: 3 });
  harness.job(["bulk a", "bulk b"]);
  harness.job(["a person's"], "one", true);
  await harness.drain();
  expect(asked[0]).toEqual([3, 1]);
  expect(model.calls[0]).toEqual(["a person's"]);
  expect(harness.ledger.records.size).toBe(3);
});

test("an input waits for others no longer than the linger", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model, { lingerMs: 15 });
  harness.job(["alone"]);
  await harness.clock.advance(14);
  expect(model.calls).toHaveLength(0);
  await harness.clock.advance(1);
  expect(model.calls).toEqual([["alone"]]);
});

test("a full batch does not wait", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  harness.job(texts(10));
  await flushPromises();
  expect(model.calls).toHaveLength(1);
});

test("inputs that arrive during the linger join an incomplete batch", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  harness.job(texts(4, "first"));
  await harness.clock.advance(10);
  harness.job(texts(6, "second"));
  await flushPromises();
  expect(model.calls).toEqual([[...texts(4, "first"), ...texts(6, "second")]]);
});

test("each poison text is found alone, at the cost of a bisection, and nothing else fails", async () => {
  for (const poison of [[0], [9], [3], [2, 7], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const model = createFakeEmbedding({
      onCall: (inputs) => {
        if (inputs.some((text) => poison.some((i) => text === `text ${i}`)))
          throw createProviderError("content-filter");
      },
    });
    const harness = openDispatcherHarness(model);
    const job = harness.job(texts(10));
    await harness.drain();
    expect(job.outcome).toBe("finished");
    const failed = [...harness.ledger.records.values()].filter((record) => record.failure);
    expect(failed.map((record) => record.index).sort()).toEqual(poison);
    // A tree of halves: every level of every poison's path has at most two calls.
    expect(model.calls.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(10)) * poison.length);
  }
});

/** A model that refuses calls with a text that contains "bad". */
const createFilteringModel = (maxInputs: number) =>
  createFakeEmbedding({
    maxInputs,
    onCall: (inputs) => {
      if (inputs.some((text) => text.includes("bad"))) throw createProviderError("content-filter");
    },
  });

/** Texts of which every `every`th is bad. */
const mixedTexts = (count: number, every: number) =>
  Array.from({ length: count }, (_, i) => (i % every === every - 1 ? `bad ${i}` : `good ${i}`));

test.each([1, 16])(
  "28 bad texts of 1,000 cost little more than the least number of calls, %i at once",
  async (maxCalls) => {
    const model = createFilteringModel(64);
    const harness = openDispatcherHarness(model, { maxCalls });
    const all = mixedTexts(1_000, 35);
    const jobs = Array.from({ length: 20 }, (_, i) => harness.job(all.slice(i * 50, i * 50 + 50)));
    await harness.drain();
    expect(jobs.map((job) => job.outcome)).toEqual(jobs.map(() => "finished"));
    const failed = [...harness.ledger.records.values()].filter((record) => record.failure).map(({ index }) => index);
    expect(failed.sort((a, b) => a - b)).toEqual(all.flatMap((text, i) => (text.startsWith("bad") ? [i] : [])));
    // The least number is 184 (1,000 times the entropy of 2.8 %); halving needs 280.
    expect(model.calls.length).toBeLessThan(maxCalls === 1 ? 215 : 235);
  },
);

test("inputs of several refused calls about which nothing is known share calls", async () => {
  const model = createFilteringModel(16);
  const harness = openDispatcherHarness(model);
  const all = Array.from({ length: 64 }, (_, i) => (i % 16 === 9 ? `bad ${i}` : `good ${i}`));
  harness.job(all);
  await harness.drain();
  expect(harness.ledger.records.size).toBe(64);
  const groups = model.calls.slice(4).map((call) => new Set(call.map((text) => all.indexOf(text) >> 4)));
  expect(groups.some((numbers) => numbers.size > 1)).toBe(true);
  // Halving needs 36.
  expect(model.calls.length).toBeLessThan(30);
});

test("a run with bad inputs does not make the calls of another run smaller", async () => {
  const model = createFilteringModel(64);
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job(mixedTexts(2_000, 5), "bad run");
  await harness.clock.advance(60_000);
  const before = model.calls.length;
  harness.job(texts(6_400), "good run");
  await harness.drain();
  expect(model.calls.length - before).toBe(100);
});

test("an incomplete call waits for inputs that the search may bring back, and goes with them", async () => {
  const model = createFilteringModel(16);
  const harness = openDispatcherHarness(model, { maxCalls: 4 });
  const all = [...texts(4), "bad", ...texts(11, "other")];
  harness.job(all);
  await harness.drain();
  expect(harness.ledger.records.size).toBe(16);
  // Calls of 16 and 7 are refused, one of 3 is accepted, and one of 2 is refused: 9 and 2 inputs come back.
  expect(model.calls.map((inputs) => inputs.length)).toEqual([16, 7, 3, 2, 1, 1, 11]);
  expect(model.calls.at(-1)).toEqual(texts(11, "other"));
});

test("an interactive input does not wait for inputs of refused calls", async () => {
  const inCall = Promise.withResolvers<void>();
  const model = createFakeEmbedding({
    maxInputs: 8,
    onCall: async (inputs) => {
      if (inputs.length < 8 && inputs.includes("bad 0")) await inCall.promise;
      if (inputs.includes("bad 0")) throw createProviderError("content-filter");
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 4 });
  harness.job(["bad 0", ...texts(7)]);
  await harness.clock.advance(100);
  const job = harness.job(["a person's"], "one", true);
  await harness.clock.advance(100);
  expect(job.outcome).toBe("finished");
  inCall.resolve();
  await harness.drain();
  expect(harness.ledger.records.size).toBe(9);
});

test("when a job loses its lock during the search, the inputs of other jobs in the group are called", async () => {
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({
    maxInputs: 16,
    onCall: async (inputs) => {
      if (inputs.length < 16 && inputs[0]?.startsWith("lost")) await gate.promise;
      if (inputs.includes("lost 2")) throw createProviderError("invalid-request");
    },
  });
  const harness = openDispatcherHarness(model);
  const [lost, kept] = [harness.job(texts(8, "lost")), harness.job(texts(8, "kept"))];
  await harness.clock.advance(100);
  harness.dispatcher.returnToQueue(new ReturnToQueue("lock lost"), (input) => input.completion === lost.completion);
  gate.resolve();
  await harness.drain();
  expect([lost.outcome, kept.outcome]).toEqual(["lock lost", "finished"]);
  expect(harness.ledger.records.size).toBe(8);
});

test("both halves of a call with repeated server errors are called, because its inputs may not be the cause", async () => {
  let faults = 2;
  const model = createFakeEmbedding({
    onCall: () => {
      if (faults-- > 0) throw createProviderError("server", { status: 500 });
    },
  });
  const harness = openDispatcherHarness(model);
  harness.job(texts(10));
  await harness.drain();
  expect(model.calls.map((inputs) => inputs.length)).toEqual([10, 10, 5, 5]);
});

test("refusals of calls with other inputs do not use up the attempts of an input", async () => {
  let hasFailed = false;
  const model = createFakeEmbedding({
    maxInputs: 64,
    onCall: (inputs) => {
      if (inputs.some((text) => text.startsWith("bad"))) throw createProviderError("content-filter");
      if (inputs.length === 1 && !hasFailed) {
        hasFailed = true;
        throw createProviderError("network");
      }
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job([...texts(62), "last", "bad"]);
  await harness.drain();
  expect(hasFailed).toBe(true);
  expect([...harness.ledger.records.values()].filter((record) => record.failure)).toHaveLength(1);
});

test("a text that always gets a server error fails after its attempts, and its neighbours do not", async () => {
  const model = createFakeEmbedding({
    onCall: (inputs) => {
      if (inputs.includes("text 4")) throw createProviderError("server", { status: 500 });
    },
  });
  const harness = openDispatcherHarness(model);
  const job = harness.job(texts(10));
  await harness.drain();
  expect(job.outcome).toBe("finished");
  const failed = [...harness.ledger.records.values()].filter((record) => record.failure);
  expect(failed).toEqual([expect.objectContaining({ index: 4, failure: expect.objectContaining({ kind: "server" }) })]);
  expect(failed[0]?.attempts).toBeGreaterThanOrEqual(5);
});

test("a temporary server error costs an attempt and no record", async () => {
  let failures = 2;
  const model = createFakeEmbedding({
    onCall: () => {
      if (failures-- > 0) throw createProviderError("server");
    },
  });
  const harness = openDispatcherHarness(model);
  harness.job(texts(3));
  await harness.drain();
  expect([...harness.ledger.records.values()].map((record) => [record.failure, record.attempts])).toEqual([
    [undefined, 3],
    [undefined, 3],
    [undefined, 3],
  ]);
});

test("poison in every call in flight is not mistaken for an endless outage", async () => {
  const model = createFakeEmbedding({
    onCall: (inputs) => {
      if (inputs.some((text) => text.startsWith("poison"))) throw createProviderError("server", { status: 500 });
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 8 });
  const bad = Array.from({ length: 8 }, (_, i) => [`poison ${i}`, ...texts(9, `beside ${i}`)]).flat();
  const jobs = [harness.job(bad), harness.job(texts(200, "good"))];
  for (let minute = 0; minute < 20 && jobs.some((job) => job.outcome === "open"); minute++) {
    await harness.clock.advance(60_000);
  }
  expect(jobs.map((job) => job.outcome)).toEqual(["finished", "finished"]);
  const failed = [...harness.ledger.records.values()].filter((record) => record.failure);
  expect(failed).toHaveLength(8);
  expect((await harness.limiter.status(LANE, {})).state).not.toBe("parked");
});

test("during an outage nothing fails and single probes are sent; everything continues when the provider is back", async () => {
  let isOut = true;
  const model = createFakeEmbedding({
    onCall: () => {
      if (isOut) throw createProviderError("network");
    },
  });
  const harness = openDispatcherHarness(model);
  await harness.limiter.settle(LANE, [
    { id: (await harness.limiter.reserve(LANE, {}, [1])).granted[0]?.id ?? "", outcome: "ok" },
  ]);
  const job = harness.job(texts(200));
  await harness.clock.advance(300_000);
  const probes = model.calls.length;
  expect(probes).toBeLessThan(40);
  expect(harness.ledger.records.size).toBe(0);
  isOut = false;
  await harness.clock.advance(60_000);
  expect(job.outcome).toBe("finished");
  expect([...harness.ledger.records.values()].filter((record) => record.failure)).toEqual([]);
});

test("snoozed inputs stay ahead of later ones", async () => {
  let refuse = true;
  const model = createFakeEmbedding({
    onCall: () => {
      if (refuse) throw createProviderError("throttled", { dimension: "requests", retryAfterMs: 1_000 });
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 2 });
  harness.job(texts(20, "early"));
  await flushPromises();
  harness.job(texts(10, "late"));
  refuse = false;
  await harness.clock.advance(60_000);
  expect(model.calls.slice(0, 2).flat().sort()).toEqual(texts(20, "early").sort());
  expect(model.calls.slice(2, 4).flat().sort()).toEqual(texts(20, "early").sort());
  expect(model.calls[4]).toEqual(texts(10, "late"));
  expect(harness.ledger.records.get(0)?.attempts).toBe(1);
});

test("a job that is returned while it waits starts no call", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  await harness.limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 10_000, grantedAt: 0 });
  const [gone, stays] = [harness.job(texts(10, "gone")), harness.job(texts(10, "stays"))];
  await harness.clock.advance(100);
  harness.dispatcher.returnToQueue(new ReturnToQueue("lock lost"), (input) => input.completion === gone.completion);
  await harness.clock.advance(20_000);
  expect([gone.outcome, stays.outcome]).toEqual(["lock lost", "finished"]);
  expect(model.calls).toEqual([texts(10, "stays")]);
});

test("a job that is returned while its call is in flight waits for the call, and its records are kept", async () => {
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => gate.promise });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  const job = harness.job(texts(20));
  await flushPromises();
  harness.dispatcher.returnToQueue(new ReturnToQueue("lock lost"));
  await flushPromises();
  expect(job.outcome).toBe("open");
  gate.resolve();
  await flushPromises();
  expect(job.outcome).toBe("lock lost");
  expect(harness.ledger.records.size).toBe(10);
});

test("parked lanes return every waiting job", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  await harness.limiter.park(LANE, "auth: wrong key");
  const jobs = [harness.job(texts(10)), harness.job(texts(15))];
  await harness.clock.advance(100);
  expect(jobs.map((job) => job.outcome)).toEqual(["all lanes are parked", "all lanes are parked"]);
  expect(model.calls).toHaveLength(0);
});

test("a wrong key parks the lane after the calls in flight, and their inputs return without a record", async () => {
  const model = createFakeEmbedding({
    onCall: () => {
      throw createProviderError("auth", { status: 401 });
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 3 });
  const job = harness.job(texts(500));
  await harness.clock.advance(1_000);
  expect(job.outcome).toBe("all lanes are parked");
  expect(model.calls.length).toBeLessThanOrEqual(3);
  expect(harness.ledger.records.size).toBe(0);
});

test("the record of a failure contains what the provider says, without the input", async () => {
  const text = "a text of the input that is longer than forty characters";
  const model = createFakeEmbedding({
    onCall: ([input]) => {
      const providerMessage = `no support for "${input}" with sk-secret-key-1`;
      throw createProviderError("invalid-request", { status: 400, providerMessage, param: "input" });
    },
  });
  const harness = openDispatcherHarness(model);
  harness.job([text]);
  await harness.drain();
  const [record] = harness.ledger.records.values();
  expect(record?.failure).toEqual({
    kind: "invalid-request",
    message: "a simulated failure of kind invalid-request",
    providerMessage: "no support for [removed] with [removed]",
    param: "input",
  });
});

test("a parked lane shows what the provider says, and the log does not", async () => {
  const model = createFakeEmbedding({
    onCall: () => {
      throw createProviderError("quota", { status: 402, providerMessage: "the balance is used up" });
    },
  });
  const parked: string[] = [];
  const wrap = (limiter: Limiter): Limiter => ({
    ...limiter,
    park: async (lane, reason) => {
      parked.push(reason);
      await limiter.park(lane, reason);
    },
  });
  const logged: unknown[] = [];
  const record = (...entry: unknown[]) => logged.push(entry);
  const log = { ...silentLog, debug: record, info: record, warn: record, error: record };
  const harness = openDispatcherHarness(model, { maxCalls: 1, wrap, log });
  harness.job(texts(10));
  await harness.drain();
  expect(parked).toEqual(["quota: a simulated failure of kind quota. The provider says: the balance is used up"]);
  expect(JSON.stringify(logged)).toContain("lane parked");
  expect(JSON.stringify(logged)).not.toContain("balance");
});

/** Rejects calls that contain the text "bad", as moderation and firewalls do. */
const refuseBadText = (inputs: readonly string[]) => {
  if (inputs.includes("bad")) throw createProviderError("auth", { status: 403 });
};

test("a refused input fails alone once the lane has succeeded", async () => {
  const model = createFakeEmbedding({ onCall: refuseBadText });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  const job = harness.job([...texts(12), "bad", ...texts(17)]);
  await harness.drain();
  expect(job.outcome).toBe("finished");
  const failures = [...harness.ledger.records.values()].filter(({ failure }) => failure);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({
    index: 12,
    failure: { kind: "content-filter", message: expect.stringContaining("HTTP 403") },
  });
  expect(harness.ledger.records.size).toBe(30);
  expect((await harness.limiter.status(LANE, {})).state).toBe("open");
});

test("a refused input that comes first does not stop every rerun", async () => {
  const model = createFakeEmbedding({ onCall: refuseBadText, maxInputs: 1 });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  const first = harness.job(["bad", "good"]);
  await harness.drain();
  expect(first.outcome).toBe("all lanes are parked");
  await harness.limiter.unpark(LANE);
  const second = harness.job(["bad", "good"]);
  await harness.drain();
  expect(second.outcome).toBe("finished");
  expect([...harness.ledger.records.values()].map(({ failure }) => failure?.kind)).toEqual([
    "content-filter",
    undefined,
  ]);
});

test("a key that is revoked during a run parks the lane after one further call, and no input fails", async () => {
  let isRevoked = false;
  const model = createFakeEmbedding({
    onCall: () => {
      if (isRevoked) throw createProviderError("auth", { status: 401 });
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 3 });
  harness.job(texts(20));
  await harness.drain();
  isRevoked = true;
  const before = model.calls.length;
  const job = harness.job(texts(500));
  await harness.drain();
  expect(job.outcome).toBe("all lanes are parked");
  expect(model.calls.length - before).toBeLessThanOrEqual(4);
  expect([...harness.ledger.records.values()].filter(({ failure }) => failure)).toEqual([]);
});

test("an input that stays refused while no test call is answered parks the lane in the end", async () => {
  const model = createFakeEmbedding({
    maxInputs: 1,
    onCall: (inputs) => {
      refuseBadText(inputs);
      if (inputs[0] === "Hi") throw createProviderError("timeout", {});
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job(texts(1));
  await harness.drain();
  const job = harness.job(["bad"]);
  await harness.drain();
  expect(job.outcome).toBe("all lanes are parked");
  expect(model.calls.filter(([text]) => text === "bad").length).toBeLessThanOrEqual(31);
});

test.each([
  ["throttled", { status: 429, retryAfterMs: 20_000 }],
  ["server", { status: 503 }],
  ["timeout", {}],
] as const)("a refused input costs no attempt while the answer to the test call is %s", async (kind, details) => {
  let failures = 12;
  const model = createFakeEmbedding({
    maxInputs: 1,
    onCall: (inputs) => {
      refuseBadText(inputs);
      if (inputs[0] === "Hi" && failures-- > 0) throw createProviderError(kind, details);
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job(texts(1));
  await harness.drain();
  const job = harness.job(["bad"]);
  await harness.drain();
  expect(job.outcome).toBe("finished");
  const record = [...harness.ledger.records.values()].at(-1);
  expect(record).toMatchObject({ attempts: 1, failure: { kind: "content-filter" } });
  expect(model.calls.filter(([text]) => text === "bad")).toHaveLength(13);
});

test("a refused input waits before it is tried again while the cause is unknown", async () => {
  const model = createFakeEmbedding({
    maxInputs: 1,
    onCall: (inputs) => {
      refuseBadText(inputs);
      if (inputs[0] === "Hi") throw createProviderError("bad-response");
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job(texts(1));
  await harness.drain();
  const job = harness.job(["bad"]);
  await harness.clock.advance(60_000);
  expect(job.outcome).toBe("open");
  expect(model.calls.length).toBeLessThan(40);
});

test("a refused input costs no attempt when the worker stops during the test call", async () => {
  const model = createFakeEmbedding({
    maxInputs: 1,
    onCall: async (inputs, { signal }) => {
      refuseBadText(inputs);
      if (inputs[0] !== "Hi") return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw createProviderError("aborted");
    },
  });
  const harness = openDispatcherHarness(model, { maxCalls: 1 });
  harness.job(texts(1));
  await harness.drain();
  const job = harness.job(["bad"]);
  await harness.clock.advance(100);
  const stopped = harness.dispatcher.stop(STOPPING);
  harness.abort();
  await stopped;
  expect(job.outcome).toBe("the worker is stopping");
  expect(await harness.ledger.claim("next", [1])).toMatchObject({ attempts: [0], open: [true] });
  expect(harness.ledger.counters).toMatchObject({ callsFailed: 1 });
});

/** Delays `reserve` until the gate opens. */
function createGatedLimiter(gate: { wait: Promise<void> }) {
  return (limiter: Limiter): Limiter => ({
    ...limiter,
    reserve: async (...args) => {
      await gate.wait;
      return await limiter.reserve(...args);
    },
  });
}

test("a stop while reservations are requested starts no call and returns every job", async () => {
  const asked = Promise.withResolvers<void>();
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model, {
    limits: { concurrency: 1 },
    wrap: createGatedLimiter({ wait: asked.promise }),
  });
  const job = harness.job(texts(30));
  await flushPromises();
  const stopped = harness.dispatcher.stop(STOPPING);
  asked.resolve();
  await harness.clock.advance(2_000);
  await stopped;
  expect(job.outcome).toBe("the worker is stopping");
  expect(model.calls).toHaveLength(0);
  expect((await harness.limiter.status(LANE, {})).requests.used).toBe(0);
});

test("a lock lost while reservations are requested starts no call for that job", async () => {
  const asked = Promise.withResolvers<void>();
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model, { wrap: createGatedLimiter({ wait: asked.promise }) });
  const [lost, kept] = [harness.job(texts(10, "lost")), harness.job(texts(10, "kept"))];
  await flushPromises();
  harness.dispatcher.returnToQueue(new ReturnToQueue("lock lost"), (input) => input.completion === lost.completion);
  asked.resolve();
  await harness.clock.advance(100);
  expect([lost.outcome, kept.outcome]).toEqual(["lock lost", "finished"]);
  expect(model.calls).toEqual([texts(10, "kept")]);
});

/** Submits an input with a call guard that is entered when the test says so. */
async function submitGuarded(harness: DispatcherHarness) {
  const entered = Promise.withResolvers<boolean>();
  let left = 0;
  const completion = new JobCompletion(1);
  const leave = async () => {
    left += 1;
  };
  const callGuard = { enter: () => entered.promise, leave };
  harness.dispatcher.submitAlone({ ...harness.input("alone", 0, "run", completion), callGuard });
  await flushPromises();
  return { completion, enter: () => entered.resolve(true), left: () => left };
}

test("a stop while a call guard is entered starts no call, leaves the guard, and releases the reservation", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  const { completion, enter, left } = await submitGuarded(harness);
  const stopped = harness.dispatcher.stop(STOPPING);
  enter();
  await stopped;
  await expect(completion.finished).rejects.toThrow("stopping");
  expect(model.calls).toHaveLength(0);
  expect(left()).toBe(1);
  const { requests, concurrency } = await harness.limiter.status(LANE, {});
  expect([requests.used, concurrency.used]).toEqual([0, 0]);
});

test("a lock lost while a call guard is entered starts no call", async () => {
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model);
  const { completion, enter, left } = await submitGuarded(harness);
  harness.dispatcher.returnToQueue(new ReturnToQueue("lock lost"), (input) => input.completion === completion);
  enter();
  await harness.clock.advance(2_000);
  await expect(completion.finished).rejects.toThrow("lock lost");
  expect(model.calls).toHaveLength(0);
  expect(left()).toBe(1);
});

test("inputs submitted after a stop are returned at once", async () => {
  const harness = openDispatcherHarness(createFakeEmbedding());
  await harness.dispatcher.stop(STOPPING);
  const job = harness.job(texts(3));
  const completion = new JobCompletion(1);
  harness.dispatcher.submitAlone({ ...({} as EmbeddingInput), tokens: 1, text: "alone", completion });
  await expect(completion.finished).rejects.toThrow("stopping");
  expect(job.outcome).toBe("the worker is stopping");
});

test("a retry that is decided after a stop leaves no timer behind", async () => {
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({
    onCall: async () => {
      await gate.promise;
      throw createProviderError("server");
    },
  });
  const harness = openDispatcherHarness(model);
  const job = harness.job(texts(10));
  await flushPromises();
  const stopped = harness.dispatcher.stop(STOPPING);
  gate.resolve();
  await stopped;
  expect(job.outcome).toBe("the worker is stopping");
  expect(harness.clock.nextWake).toBeUndefined();
});

test("inputs survive a limiter that fails occasionally", async () => {
  let failures = 3;
  const model = createFakeEmbedding();
  const harness = openDispatcherHarness(model, {
    wrap: (limiter) => ({
      ...limiter,
      reserve: async (...args) => {
        if (failures-- > 0) throw new Error("connection lost");
        return await limiter.reserve(...args);
      },
    }),
  });
  const job = harness.job(texts(25));
  await harness.clock.advance(5_000);
  expect(job.outcome).toBe("finished");
  expect(model.calls.flat()).toHaveLength(25);
});

const anyFailure = fc.constantFrom<(ProviderErrorKind | "ok")[]>(
  "ok",
  "ok",
  "ok",
  "throttled",
  "overloaded",
  "server",
  "timeout",
  "network",
  "bad-response",
  "invalid-request",
  "too-long",
  "content-filter",
);
const step = fc.oneof(
  fc.record({ do: fc.constant("submit" as const), count: fc.integer({ min: 1, max: 25 }) }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  fc.record({ do: fc.constant("lose-lock" as const), job: fc.nat({ max: 20 }) }),
);

test("whatever fails, no input is in two calls at once, none is lost, and each is recorded once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(anyFailure, fc.integer({ min: 0, max: 400 })), { maxLength: 60 }),
      fc.record({
        concurrency: fc.integer({ min: 1, max: 5 }),
        requestsPerMinute: fc.integer({ min: 20, max: 200 }),
      }),
      async (steps, fates, limits) => {
        const isBad = (text: string) => /[37]$/.test(text);
        const flying = new Set<string>();
        const doubles: string[] = [];
        let call = 0;
        const model = createFakeEmbedding({
          onCall: async (inputs) => {
            const [fate, ms] = fates[call++] ?? ["ok", 1];
            for (const text of inputs) {
              if (flying.has(text)) doubles.push(text);
              flying.add(text);
            }
            await harness.clock.sleep(ms);
            for (const text of inputs) flying.delete(text);
            if (fate !== "ok") throw createProviderError(fate, fate === "throttled" ? { retryAfterMs: 100 } : {});
            if (inputs.some(isBad)) throw createProviderError("content-filter");
          },
        });
        const harness = openDispatcherHarness(model, { limits, maxCalls: 4 });
        const jobs: {
          completion: JobCompletion;
          outcome: string;
          texts: readonly string[];
          first: number;
        }[] = [];
        let submitted = 0;
        const submit = (some: readonly string[]) => {
          const first = submitted;
          submitted += some.length;
          jobs.push(Object.assign(harness.job(some), { texts: some, first }));
        };
        for (const one of steps) {
          if (one.do === "submit") submit(texts(one.count, `job ${jobs.length} text`));
          else if (one.do === "pass") await harness.clock.advance(one.ms);
          else {
            const job = jobs[one.job];
            if (job)
              harness.dispatcher.returnToQueue(
                new ReturnToQueue("lock lost"),
                (input) => input.completion === job.completion,
              );
          }
        }
        await harness.clock.advance(3_600_000);
        expect(doubles).toEqual([]);
        for (const job of jobs) {
          expect(["finished", "lock lost"]).toContain(job.outcome);
          if (job.outcome !== "finished") continue;
          job.texts.forEach((text, i) => {
            const record = harness.ledger.records.get(job.first + i);
            expect(record).toBeDefined();
            if (isBad(text)) expect(record?.failure).toBeDefined();
            if (record?.vector) {
              expect(new Float32Array(Uint8Array.from(record.vector).buffer)).toEqual(vectorOf(text));
            }
          });
        }
        expect(harness.ledger.refused).toBe(0);
        const status = await harness.limiter.status(LANE, limits);
        expect(status.concurrency.used).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
