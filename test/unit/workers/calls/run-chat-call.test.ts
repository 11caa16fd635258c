import { expect, test } from "vitest";
import { LaneProber } from "#src/workers/calls/lane-prober.ts";
import { LimitReports } from "#src/workers/calls/limit-reports.ts";
import { type ChatDeps, runChatCall } from "#src/workers/calls/run-chat-call.ts";
import type { ChatInput } from "#src/workers/dispatch/chat-input.ts";
import { JobCompletion } from "#src/workers/jobs/job-completion.ts";
import { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeChat, type FakeChat } from "#test/support/fakes/fake-chat.ts";
import { createFakeClock, flushPromises } from "#test/support/fakes/fake-clock.ts";
import { createFakeLimiter } from "#test/support/fakes/fake-limiter.ts";
import { createMemoryLedger } from "#test/support/redis/memory-ledger.ts";

const LANE = { provider: "fake", account: "default", model: "m" };

async function prepareCall(model: FakeChat, more: Partial<ChatInput> = {}) {
  const clock = createFakeClock();
  const limiter = createFakeLimiter(clock);
  const completion = new JobCompletion(1);
  const ledger = createMemoryLedger();
  const input = {
    ...{ runId: "run", isInteractive: true, ledger, completion, index: 0, tokens: 1, bytes: 1, arrivedAt: 0 },
    ...{ attempts: 0, chargedAttempts: 0, snoozes: 0 },
    request: { messages: [{ role: "user", content: "hello" }] },
    ...more,
  } as unknown as ChatInput;
  const [reservation] = (await limiter.reserve(LANE, {}, [1])).granted;
  if (!reservation) throw new Error("nothing was granted");
  const { signal } = new AbortController();
  const deps = {
    clock,
    limiter,
    log: silentLog,
    signal,
    prober: new LaneProber(),
    limitReports: new LimitReports(limiter),
  } as unknown as ChatDeps;
  const grant = { lane: { lane: LANE, limits: {}, model }, reservation };
  return { completion, ledger, limiter, run: () => runChatCall([input], grant, deps) };
}

test("a job that is returned while its item is being claimed starts no call", async () => {
  const model = createFakeChat();
  const claim = Promise.withResolvers<boolean>();
  const { completion, limiter, run } = await prepareCall(model, { claim: claim.promise });
  const decision = run();
  completion.returnToQueue(new ReturnToQueue("lock lost"));
  claim.resolve(true);
  expect(await decision).toEqual({ action: "return-to-queue" });
  await flushPromises();
  expect(model.requests).toHaveLength(0);
  expect((await limiter.status(LANE, {})).requests.used).toBe(0);
});

test("a request that the adapter rejects fails without a call", async () => {
  const model = { ...createFakeChat(), check: () => ({ rejected: ["max_tokens is too large"], adjusted: [] }) };
  const { ledger, limiter, run } = await prepareCall(model);
  expect(await run()).toEqual({ action: "fail" });
  await flushPromises();
  expect(model.requests).toHaveLength(0);
  expect(ledger.records.get(0)?.failure).toEqual({ kind: "invalid-request", message: "max_tokens is too large" });
  expect(ledger.counters.callsMade ?? 0).toBe(0);
  expect((await limiter.status(LANE, {})).requests.used).toBe(0);
});
