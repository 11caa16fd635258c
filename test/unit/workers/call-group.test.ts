import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { RETRY_DEFAULTS } from "../../../src/core/decide-retry.ts";
import type { ProviderErrorKind } from "../../../src/core/errors.ts";
import type { LaneLimits } from "../../../src/core/lane.ts";
import type { Limiter } from "../../../src/limiter/limiter.ts";
import { createMemoryLimiter } from "../../../src/limiter/memory-limiter.ts";
import type { EmbeddingModel } from "../../../src/providers/provider.ts";
import { CallGroup } from "../../../src/workers/call-group.ts";
import type { EmbeddingInput } from "../../../src/workers/embedding-input.ts";
import { HandBack, JobTicket } from "../../../src/workers/job-ticket.ts";
import { LaneChooser } from "../../../src/workers/model-lanes.ts";
import { runBatch } from "../../../src/workers/run-batch.ts";
import { silentLog } from "../../../src/workers/worker-log.ts";
import { type FakeClock, fakeClock, settled } from "../../support/fake-clock.ts";
import { fakeEmbedding, providerError, vectorOf } from "../../support/fake-embedding.ts";
import { type MemoryLedger, memoryLedger } from "../../support/memory-ledger.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const STOPPING = new HandBack("the worker is stopping");

interface GroupBench {
  readonly clock: FakeClock;
  readonly limiter: Limiter;
  readonly ledger: MemoryLedger;
  readonly group: CallGroup<EmbeddingInput, EmbeddingModel>;
  /** Submits the texts of one job; resolves as its ticket does. */
  job(
    texts: readonly string[],
    runId?: string,
    isUrgent?: boolean,
  ): { readonly ticket: JobTicket; readonly outcome: string };
  /** Lets time pass until nothing sleeps any more. */
  drain(): Promise<void>;
}

const groups: GroupBench[] = [];
afterEach(async () => {
  for (const { group, clock } of groups.splice(0)) {
    const stopped = group.stop(STOPPING);
    await clock.advance(3_600_000);
    await stopped;
  }
});

function openGroup(
  model: EmbeddingModel,
  {
    limits = {},
    maxCalls = 8,
    lingerMs = 15,
    random = () => 0.5,
    wrap = (limiter: Limiter) => limiter,
  }: {
    limits?: LaneLimits;
    maxCalls?: number;
    lingerMs?: number;
    random?: () => number;
    wrap?: (limiter: Limiter) => Limiter;
  } = {},
): GroupBench {
  const clock = fakeClock();
  const limiter = wrap(createMemoryLimiter(clock));
  const ledger = memoryLedger();
  const aborted = new AbortController();
  const deps = {
    limiter,
    clock,
    log: silentLog,
    signal: aborted.signal,
    policy: { ...RETRY_DEFAULTS, random },
  };
  const group = new CallGroup<EmbeddingInput, EmbeddingModel>(
    new LaneChooser(limiter, [{ lane: LANE, limits, model }]),
    { limits: { maxInputs: model.maxInputs }, maxCalls, lingerMs, mayCall: () => true },
    { ...deps, call: (inputs, grant) => runBatch(inputs, grant, { purpose: "db" }, deps) },
  );
  let nextIndex = 0;
  const bench: GroupBench = {
    clock,
    limiter,
    ledger,
    group,
    job(texts, runId = "run", isUrgent = false) {
      const ticket = new JobTicket(texts.length);
      const job = { ticket, outcome: "open" };
      ticket.finished.then(
        () => {
          job.outcome = "finished";
        },
        (reason: HandBack) => {
          job.outcome = reason.message;
        },
      );
      group.submit(texts.map((text) => ({ ...input(text, nextIndex++, runId, ticket), isUrgent })));
      return job;
    },
    async drain() {
      await settled();
      while (clock.nextWake !== undefined) await clock.advance(Math.max(1, clock.nextWake - clock.now()));
    },
  };
  const input = (text: string, index: number, runId: string, ticket: JobTicket): EmbeddingInput => ({
    runId,
    isUrgent: false,
    ledger,
    ticket,
    index,
    text,
    tokens: Math.max(1, Math.ceil(text.length / 4)),
    bytes: Buffer.byteLength(text),
    arrivedAt: clock.now(),
    attempts: 0,
    charged: 0,
    snoozes: 0,
  });
  groups.push(bench);
  return bench;
}

const texts = (count: number, prefix = "text") => Array.from({ length: count }, (_, i) => `${prefix} ${i}`);

test("inputs of many jobs are packed into full calls", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model);
  const jobs = texts(1_000).map((text) => bench.job([text]));
  await bench.drain();
  expect(model.calls.length).toBeLessThanOrEqual(105);
  expect(new Set(jobs.map((job) => job.outcome))).toEqual(new Set(["finished"]));
  expect(bench.ledger.records.size).toBe(1_000);
});

test("of what is ready at once, calls that people wait for are asked for first, and as such", async () => {
  const asked: (readonly [wants: number, urgent: number | undefined])[] = [];
  const wrap = (limiter: Limiter): Limiter => ({
    ...limiter,
    reserve: async (...args) => {
      asked.push([args[2].length, args[3]]);
      return await limiter.reserve(...args);
    },
  });
  const model = fakeEmbedding({ maxInputs: 1 });
  const bench = openGroup(model, { wrap, limits: { concurrency: 1 }, maxCalls: 3 });
  bench.job(["bulk a", "bulk b"]);
  bench.job(["a person's"], "one", true);
  await bench.drain();
  expect(asked[0]).toEqual([3, 1]);
  expect(model.calls[0]).toEqual(["a person's"]);
  expect(bench.ledger.records.size).toBe(3);
});

test("an input waits for others no longer than the linger", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model, { lingerMs: 15 });
  bench.job(["alone"]);
  await bench.clock.advance(14);
  expect(model.calls).toHaveLength(0);
  await bench.clock.advance(1);
  expect(model.calls).toEqual([["alone"]]);
});

test("a full batch does not wait", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model);
  bench.job(texts(10));
  await settled();
  expect(model.calls).toHaveLength(1);
});

test("inputs that do not fill a batch are joined by those that come during the linger", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model);
  bench.job(texts(4, "first"));
  await bench.clock.advance(10);
  bench.job(texts(6, "second"));
  await settled();
  expect(model.calls).toEqual([[...texts(4, "first"), ...texts(6, "second")]]);
});

test("each poison text is found alone, at the cost of a bisection, and nothing else fails", async () => {
  for (const poison of [[0], [9], [3], [2, 7], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const model = fakeEmbedding({
      onCall: (inputs) => {
        if (inputs.some((text) => poison.some((i) => text === `text ${i}`)))
          throw providerError("content-filter");
      },
    });
    const bench = openGroup(model);
    const job = bench.job(texts(10));
    await bench.drain();
    expect(job.outcome).toBe("finished");
    const failed = [...bench.ledger.records.values()].filter((record) => record.failure);
    expect(failed.map((record) => record.index).sort()).toEqual(poison);
    // A tree of halves: every level of every poison's path has at most two calls.
    expect(model.calls.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(10)) * poison.length);
  }
});

test("a text answered with a server error for ever fails after its attempts, and its neighbours do not", async () => {
  const model = fakeEmbedding({
    onCall: (inputs) => {
      if (inputs.includes("text 4")) throw providerError("server", { status: 500 });
    },
  });
  const bench = openGroup(model);
  const job = bench.job(texts(10));
  await bench.drain();
  expect(job.outcome).toBe("finished");
  const failed = [...bench.ledger.records.values()].filter((record) => record.failure);
  expect(failed).toEqual([
    expect.objectContaining({ index: 4, failure: expect.objectContaining({ kind: "server" }) }),
  ]);
  expect(failed[0]?.attempts).toBeGreaterThanOrEqual(5);
});

test("a passing server error costs an attempt and no record", async () => {
  let failures = 2;
  const model = fakeEmbedding({
    onCall: () => {
      if (failures-- > 0) throw providerError("server");
    },
  });
  const bench = openGroup(model);
  bench.job(texts(3));
  await bench.drain();
  expect([...bench.ledger.records.values()].map((record) => [record.failure, record.attempts])).toEqual([
    [undefined, 3],
    [undefined, 3],
    [undefined, 3],
  ]);
});

test("poison in every call in flight does not pass for an outage that never ends", async () => {
  const model = fakeEmbedding({
    onCall: (inputs) => {
      if (inputs.some((text) => text.startsWith("poison"))) throw providerError("server", { status: 500 });
    },
  });
  const bench = openGroup(model, { maxCalls: 8 });
  const bad = Array.from({ length: 8 }, (_, i) => [`poison ${i}`, ...texts(9, `beside ${i}`)]).flat();
  const jobs = [bench.job(bad), bench.job(texts(200, "good"))];
  for (let minute = 0; minute < 20 && jobs.some((job) => job.outcome === "open"); minute++) {
    await bench.clock.advance(60_000);
  }
  expect(jobs.map((job) => job.outcome)).toEqual(["finished", "finished"]);
  const failed = [...bench.ledger.records.values()].filter((record) => record.failure);
  expect(failed).toHaveLength(8);
  expect((await bench.limiter.status(LANE, {})).state).not.toBe("parked");
});

test("an outage fails nothing: single probes, and everything goes on when the provider is back", async () => {
  let isOut = true;
  const model = fakeEmbedding({
    onCall: () => {
      if (isOut) throw providerError("network");
    },
  });
  const bench = openGroup(model);
  await bench.limiter.settle(LANE, [
    { id: (await bench.limiter.reserve(LANE, {}, [1])).granted[0]?.id ?? "", outcome: "ok" },
  ]);
  const job = bench.job(texts(200));
  await bench.clock.advance(300_000);
  const probes = model.calls.length;
  expect(probes).toBeLessThan(40);
  expect(bench.ledger.records.size).toBe(0);
  isOut = false;
  await bench.clock.advance(60_000);
  expect(job.outcome).toBe("finished");
  expect([...bench.ledger.records.values()].filter((record) => record.failure)).toEqual([]);
});

test("snoozed inputs keep their place in front of those that came later", async () => {
  let refuse = true;
  const model = fakeEmbedding({
    onCall: () => {
      if (refuse) throw providerError("throttled", { dimension: "requests", retryAfterMs: 1_000 });
    },
  });
  const bench = openGroup(model, { maxCalls: 2 });
  bench.job(texts(20, "early"));
  await settled();
  bench.job(texts(10, "late"));
  refuse = false;
  await bench.clock.advance(60_000);
  expect(model.calls.slice(0, 2).flat().sort()).toEqual(texts(20, "early").sort());
  expect(model.calls.slice(2, 4).flat().sort()).toEqual(texts(20, "early").sort());
  expect(model.calls[4]).toEqual(texts(10, "late"));
  expect(bench.ledger.records.get(0)?.attempts).toBe(1);
});

test("a job handed back while it waits starts no call", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model);
  await bench.limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 10_000, grantedAt: 0 });
  const [gone, stays] = [bench.job(texts(10, "gone")), bench.job(texts(10, "stays"))];
  await bench.clock.advance(100);
  bench.group.handBack(new HandBack("lock lost"), (input) => input.ticket === gone.ticket);
  await bench.clock.advance(20_000);
  expect([gone.outcome, stays.outcome]).toEqual(["lock lost", "finished"]);
  expect(model.calls).toEqual([texts(10, "stays")]);
});

test("a job handed back while its call is in flight waits for the call, and its records are kept", async () => {
  const gate = Promise.withResolvers<void>();
  const model = fakeEmbedding({ onCall: () => gate.promise });
  const bench = openGroup(model, { maxCalls: 1 });
  const job = bench.job(texts(20));
  await settled();
  bench.group.handBack(new HandBack("lock lost"));
  await settled();
  expect(job.outcome).toBe("open");
  gate.resolve();
  await settled();
  expect(job.outcome).toBe("lock lost");
  expect(bench.ledger.records.size).toBe(10);
});

test("parked lanes give every waiting job back", async () => {
  const model = fakeEmbedding();
  const bench = openGroup(model);
  await bench.limiter.park(LANE, "auth: wrong key");
  const jobs = [bench.job(texts(10)), bench.job(texts(15))];
  await bench.clock.advance(100);
  expect(jobs.map((job) => job.outcome)).toEqual(["all lanes are parked", "all lanes are parked"]);
  expect(model.calls).toHaveLength(0);
});

test("a wrong key parks the lane after the calls in flight, and their inputs go back without a record", async () => {
  const model = fakeEmbedding({
    onCall: () => {
      throw providerError("auth", { status: 401 });
    },
  });
  const bench = openGroup(model, { maxCalls: 3 });
  const job = bench.job(texts(500));
  await bench.clock.advance(1_000);
  expect(job.outcome).toBe("all lanes are parked");
  expect(model.calls.length).toBeLessThanOrEqual(3);
  expect(bench.ledger.records.size).toBe(0);
});

/** A limiter whose `reserve` answers only when told to. */
function gated(gate: { wait: Promise<void> }) {
  return (limiter: Limiter): Limiter => ({
    ...limiter,
    reserve: async (...args) => {
      await gate.wait;
      return await limiter.reserve(...args);
    },
  });
}

test("a stop while reservations are asked for starts no call and gives every job back", async () => {
  const asked = Promise.withResolvers<void>();
  const model = fakeEmbedding();
  const bench = openGroup(model, { limits: { concurrency: 1 }, wrap: gated({ wait: asked.promise }) });
  const job = bench.job(texts(30));
  await settled();
  const stopped = bench.group.stop(STOPPING);
  asked.resolve();
  await bench.clock.advance(2_000);
  await stopped;
  expect(job.outcome).toBe("the worker is stopping");
  expect(model.calls).toHaveLength(0);
  expect((await bench.limiter.status(LANE, {})).requests.used).toBe(0);
});

test("a lock lost while reservations are asked for starts no call for that job", async () => {
  const asked = Promise.withResolvers<void>();
  const model = fakeEmbedding();
  const bench = openGroup(model, { wrap: gated({ wait: asked.promise }) });
  const [lost, kept] = [bench.job(texts(10, "lost")), bench.job(texts(10, "kept"))];
  await settled();
  bench.group.handBack(new HandBack("lock lost"), (input) => input.ticket === lost.ticket);
  asked.resolve();
  await bench.clock.advance(100);
  expect([lost.outcome, kept.outcome]).toEqual(["lock lost", "finished"]);
  expect(model.calls).toEqual([texts(10, "kept")]);
});

test("what is submitted after a stop goes back at once", async () => {
  const bench = openGroup(fakeEmbedding());
  await bench.group.stop(STOPPING);
  const job = bench.job(texts(3));
  const ticket = new JobTicket(1);
  bench.group.submitAlone({ ...({} as EmbeddingInput), tokens: 1, text: "alone", ticket });
  await expect(ticket.finished).rejects.toThrow("stopping");
  expect(job.outcome).toBe("the worker is stopping");
});

test("a retry that is decided on after a stop leaves no timer behind", async () => {
  const gate = Promise.withResolvers<void>();
  const model = fakeEmbedding({
    onCall: async () => {
      await gate.promise;
      throw providerError("server");
    },
  });
  const bench = openGroup(model);
  const job = bench.job(texts(10));
  await settled();
  const stopped = bench.group.stop(STOPPING);
  gate.resolve();
  await stopped;
  expect(job.outcome).toBe("the worker is stopping");
  expect(bench.clock.nextWake).toBeUndefined();
});

test("inputs survive a limiter that fails now and then", async () => {
  let failures = 3;
  const model = fakeEmbedding();
  const bench = openGroup(model, {
    wrap: (limiter) => ({
      ...limiter,
      reserve: async (...args) => {
        if (failures-- > 0) throw new Error("connection lost");
        return await limiter.reserve(...args);
      },
    }),
  });
  const job = bench.job(texts(25));
  await bench.clock.advance(5_000);
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
        const flying = new Set<string>();
        const doubles: string[] = [];
        let call = 0;
        const model = fakeEmbedding({
          onCall: async (inputs) => {
            const [fate, ms] = fates[call++] ?? ["ok", 1];
            for (const text of inputs) {
              if (flying.has(text)) doubles.push(text);
              flying.add(text);
            }
            await bench.clock.sleep(ms);
            for (const text of inputs) flying.delete(text);
            if (fate !== "ok") throw providerError(fate, fate === "throttled" ? { retryAfterMs: 100 } : {});
          },
        });
        const bench = openGroup(model, { limits, maxCalls: 4 });
        const jobs: { ticket: JobTicket; outcome: string; texts: readonly string[]; first: number }[] = [];
        let submitted = 0;
        const submit = (some: readonly string[]) => {
          const first = submitted;
          submitted += some.length;
          jobs.push(Object.assign(bench.job(some), { texts: some, first }));
        };
        for (const one of steps) {
          if (one.do === "submit") submit(texts(one.count, `job ${jobs.length} text`));
          else if (one.do === "pass") await bench.clock.advance(one.ms);
          else {
            const job = jobs[one.job];
            if (job) bench.group.handBack(new HandBack("lock lost"), (input) => input.ticket === job.ticket);
          }
        }
        await bench.clock.advance(3_600_000);
        expect(doubles).toEqual([]);
        for (const job of jobs) {
          expect(["finished", "lock lost"]).toContain(job.outcome);
          if (job.outcome !== "finished") continue;
          job.texts.forEach((text, i) => {
            const record = bench.ledger.records.get(job.first + i);
            expect(record).toBeDefined();
            if (record?.vector) {
              expect(new Float32Array(Uint8Array.from(record.vector).buffer)).toEqual(vectorOf(text));
            }
          });
        }
        expect(bench.ledger.refused).toBe(0);
        const status = await bench.limiter.status(LANE, limits);
        expect(status.concurrency.used).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
