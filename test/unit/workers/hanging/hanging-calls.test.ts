import { beforeEach, expect, test } from "vitest";
import type { HangReport } from "#src/limiter/limiter.ts";
import type { Call } from "#src/providers/provider.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { HangingCallError } from "#src/workers/hanging/hanging-call-error.ts";
import { HangingCalls } from "#src/workers/hanging/hanging-calls.ts";
import { JobCompletion } from "#src/workers/jobs/job-completion.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeClock, type FakeClock, flushPromises } from "#test/support/fakes/fake-clock.ts";
import { createMemoryLedger } from "#test/support/redis/memory-ledger.ts";

type Control = Pick<Call, "signal" | "onAlive">;

const GRANT: Grant<unknown> = {
  lane: { lane: { provider: "fake", account: "default", model: "m" }, limits: {}, model: undefined },
  reservation: { id: "r", grantedAt: 0 },
};

let clock: FakeClock;
let calls: HangingCalls;
let reports: HangReport[];
let lines: [message: string, fields: unknown][];

beforeEach(() => {
  [clock, reports, lines] = [createFakeClock(), [], []];
  const write = (message: string, fields: unknown) => void lines.push([message, fields]);
  calls = new HangingCalls({
    limiter: { reportHanging: async (_lane, _worker, report) => void reports.push(report) },
    clock,
    log: { ...silentLog, warn: write, info: write },
    worker: "w",
    settings: {},
  });
});

function createInput(): PendingInput {
  return {
    ...{ runId: "item", isInteractive: false, ledger: createMemoryLedger(), completion: new JobCompletion(1) },
    ...{ index: 0, tokens: 10, bytes: 40, arrivedAt: 0, attempts: 0, chargedAttempts: 0, snoozes: 0 },
  };
}

/** Rejects like an adapter when it is aborted. */
const hang = ({ signal }: Control) =>
  new Promise<string>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted by its signal")));
  });

const run = (send: (control: Control) => Promise<string>, signal = new AbortController().signal) =>
  calls.run(GRANT, [createInput()], signal, send);

/** Calls that are answered one after the other, each after a second. */
async function answerFor(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    const answered = Promise.withResolvers<string>();
    const call = run(() => answered.promise);
    for (let step = 0; step < 5; step++) {
      await clock.advance(200);
      calls.check();
    }
    answered.resolve("answer");
    await call;
  }
}

test("a call that hangs is aborted with an error, reported, and logged once", async () => {
  await answerFor(30);
  const outcome = run(hang).catch((error: unknown) => error);
  const other = run(hang).catch((error: unknown) => error);
  await answerFor(20);
  const error = await outcome;
  expect(error).toBeInstanceOf(HangingCallError);
  expect(error).toMatchObject({
    ...{ kind: "timeout", code: "HANGING", isLaneAnswering: true },
    message: expect.stringMatching(/^no answer after \d\.\d s, although calls usually take 1\.0 s$/),
  });
  await other;
  expect(lines).toEqual([
    [
      "calls hang",
      expect.objectContaining({ lane: "fake/m", usualMs: 1_000, action: expect.stringContaining("aborted") }),
    ],
  ]);
  expect(reports.at(-1)).toMatchObject({ calls: 0, aborted: 2, usualMs: 1_000 });
  await answerFor(60);
  expect(lines.at(-1)).toEqual(["no more calls hang", { lane: "fake/m", aborted: 2 }]);
  const reported = reports.length;
  await answerFor(5);
  expect(reports).toHaveLength(reported);
});

test("a call that the worker cuts ends with its own error, and a stream that delivers goes on", async () => {
  await answerFor(30);
  const [stop, end] = [new AbortController(), Promise.withResolvers<string>()];
  let control: Control | undefined;
  const stream = run((given) => {
    control = given;
    return end.promise;
  });
  const cut = run(hang, stop.signal);
  stop.abort();
  await expect(cut).rejects.toThrow("aborted by its signal");
  for (let i = 0; i < 30; i++) {
    await answerFor(1);
    control?.onAlive?.();
  }
  end.resolve("complete");
  expect(await stream).toBe("complete");
  expect(lines).toEqual([]);
});

test("after a pause of the process, calls are judged only when it has read the answers", async () => {
  await answerFor(30);
  const outcome = run(hang).catch((error: unknown) => error);
  await answerFor(4);
  await clock.advance(60_000);
  calls.check();
  await flushPromises();
  expect(lines).toEqual([]);
  await answerFor(4);
  await expect(outcome).resolves.toBeInstanceOf(HangingCallError);
});
