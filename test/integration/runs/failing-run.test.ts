import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#src/core/clock.ts";
import { FolderLostError } from "#src/producer/runs/run-error.ts";
import { RejectionRetry } from "#src/redis/write-rejection.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";

let redis: TestRedis;
let harness: InProcessHarness;

beforeEach(async () => {
  redis = openTestRedis();
  harness = await openInProcessHarness(redis);
});

afterEach(async () => {
  await harness.close();
  await redis.cleanup();
});

/** Replaces methods of a control, as a Redis would that rejects their commands. */
function reject(control: RunControl, names: readonly string[], onRejected = () => {}): RunControl {
  return new Proxy(control, {
    get(_, name) {
      const value: unknown = Reflect.get(control, name, control);
      if (typeof value !== "function") return value;
      if (!names.includes(String(name))) return value.bind(control);
      return async () => {
        onRejected();
        throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
      };
    },
  });
}

test.each([["feed"], ["trimResults"]])(
  "a run that fails while Redis rejects %s ends with its reason, and keeps the answers",
  async (name) => {
    harness.worker(createFakeEmbedding());
    let rejected = 0;
    const retry = new RejectionRetry({
      clock: systemClock,
      signal: new AbortController().signal,
      onChange: () => undefined,
    });
    const run = harness.coordinate(makeItems(400), {
      windowSize: 50,
      retry,
      wrapControl: (control) =>
        reject(control, [name], () => {
          rejected += 1;
        }),
      onTick: async () => {
        if (rejected > 0) throw new Error("disk full");
      },
    });
    await expect(run).rejects.toThrow("disk full");
    if (name === "feed") return;
    const store = await harness.store(400);
    expect(store.counts().ok).toBeGreaterThan(0);
    await store.close();
  },
);

test.each([
  ["the run", new FolderLostError("/run/.work")],
  ["a write first", Object.assign(new Error("no such file"), { code: "ENOENT" })],
])("answers stay in Redis once the folder was deleted, when %s notices it", async (_, failure) => {
  harness.worker(createFakeEmbedding());
  let isDeleted = false;
  let trimmed = 0;
  const run = harness.coordinate(makeItems(20_000), {
    windowSize: 50,
    wrapControl: (control) =>
      new Proxy(control, {
        get(_target, name) {
          const value: unknown = Reflect.get(control, name, control);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => {
            if (name === "trimResults" && isDeleted) trimmed += 1;
            return value.apply(control, args);
          };
        },
      }),
    checkFolder: async () => {
      if (isDeleted) throw new FolderLostError("/run/.work");
    },
    onTick: async () => {
      isDeleted = true;
      throw failure;
    },
  });
  await expect(run).rejects.toThrow(failure.message);
  expect(trimmed).toBe(0);
});
