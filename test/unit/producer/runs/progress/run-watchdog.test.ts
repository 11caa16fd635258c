import { afterEach, expect, test, vi } from "vitest";
import { type RunActivity, RunWatchdog } from "#src/producer/runs/progress/run-watchdog.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";

let watchdog: RunWatchdog | undefined;
afterEach(() => watchdog?.stop());

function open({ isReachable = true } = {}) {
  const clock = createFakeClock();
  const reconnect = vi.fn();
  const onEvent = vi.fn();
  const assertReachable = async () => {
    if (!isReachable) throw new Error("down");
  };
  const opened = new RunWatchdog({ redis: { assertReachable, reconnect }, clock, onEvent });
  watchdog = opened;
  /** Passes time, with a tick every half second. */
  const run = async (seconds: number, activity: (tick: number) => RunActivity, isRejected = false) => {
    for (let tick = 0; tick < seconds * 2; tick++) {
      opened.observe(activity(tick), { isRejected });
      await clock.advance(500);
    }
  };
  return { clock, reconnect, onEvent, run };
}

const IDLE: RunActivity = { progress: 7, isExplained: false };

test("a run without progress is reported within half a minute, then once a minute, and its connections are opened again", async () => {
  const { reconnect, onEvent, run } = open();
  await run(30, () => IDLE);
  expect(onEvent).toHaveBeenCalledExactlyOnceWith({ type: "note", message: expect.stringContaining("no progress") });
  expect(reconnect).toHaveBeenCalledOnce();
  await run(60, () => IDLE);
  expect(reconnect).toHaveBeenCalledTimes(2);
});

test("a coordinator that waits for a reply is reported, too", async () => {
  const { clock, reconnect } = open();
  await clock.advance(30_000);
  expect(reconnect).toHaveBeenCalledOnce();
});

test.each<[string, (tick: number) => RunActivity, boolean]>([
  ["makes slow progress", (tick) => ({ progress: Math.floor(tick / 30), isExplained: false }), false],
  ["waits for a limit, a call, or a worker", () => ({ progress: 7, isExplained: true }), false],
  ["waits for a Redis that rejects commands", () => IDLE, true],
])("a run that %s is left alone", async (_, activity, isRejected) => {
  const { reconnect, run } = open();
  await run(300, activity, isRejected);
  expect(reconnect).not.toHaveBeenCalled();
});

test("an outage of Redis is not reported as a run without progress", async () => {
  const { clock, reconnect, onEvent } = open({ isReachable: false });
  await clock.advance(300_000);
  expect(onEvent).not.toHaveBeenCalled();
  expect(reconnect).not.toHaveBeenCalled();
});
