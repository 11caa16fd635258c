import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CallTimings, preserveCallTimings, readCallTiming } from "#src/producer/storage/call-timings.ts";
import { systemDisk } from "#src/producer/storage/disk.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

const CREATED = 1_795_000_000_000;
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-calls-"));
  mkdirSync(join(dir, ".work"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const record = (index: number, startedAt = CREATED, durationMs = 120, lane = "p/m"): WireRecord => ({
  index,
  attempts: 1,
  tokens: 1,
  call: { lane, startedAt, durationMs },
});

async function write(...replies: WireRecord[][]): Promise<void> {
  const timings = await CallTimings.open(dir, CREATED);
  for (const records of replies) timings.recordCalls(records);
  await timings.close();
}

test("calls are found by their item, whatever the order they came in, by this process or a later one", async () => {
  const items = fc.uniqueArray(
    fc.record({
      index: fc.nat({ max: 5_000 }),
      start: fc.nat({ max: 30 * 24 * 3600 }),
      durationMs: fc.nat({ max: 0xff_ffff }),
      lane: fc.constantFrom("p/m", "p:b/m", "q/文本"),
    }),
    { selector: ({ index }) => index, minLength: 1, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(items, fc.nat({ max: 40 }), async (made, cut) => {
      rmSync(join(dir, ".work", "calls.bin"), { force: true });
      const records = made.map(({ index, start, durationMs, lane }) =>
        record(index, CREATED + start * 1000, durationMs, lane),
      );
      await write(records.slice(0, cut));
      await write(records.slice(cut));
      for (const { index, call } of records) expect(await readCallTiming(dir, index)).toEqual(call);
    }),
    { numRuns: 30 },
  );
});

test("items that nobody was asked for, or that failed, have no call", async () => {
  await write([
    record(3),
    { index: 1, attempts: 0, tokens: 1 },
    { ...record(0), failure: { kind: "server", message: "no" } },
  ]);
  expect(await readCallTiming(dir, 0)).toBeUndefined();
  expect(await readCallTiming(dir, 1)).toBeUndefined();
  expect(await readCallTiming(dir, 2)).toBeUndefined();
  expect(await readCallTiming(dir, 4)).toBeUndefined();
});

test("times and lanes out of range are stored as the nearest value", async () => {
  const lanes = Array.from({ length: 300 }, (_, i) => `provider/model-number-${i}`);
  await write(lanes.map((lane, i) => record(i, CREATED - 10 * 24 * 3600_000, 1e12, lane)));
  expect(await readCallTiming(dir, 0)).toEqual({
    lane: lanes[0],
    startedAt: CREATED - 24 * 3600_000,
    durationMs: 0xff_ffff,
  });
  expect((await readCallTiming(dir, 299))?.lane).toBe("");
});

test("a file of another format is replaced", async () => {
  writeFileSync(join(dir, ".work", "calls.bin"), "x".repeat(10_000));
  await write([record(7)]);
  expect(await readCallTiming(dir, 7)).toMatchObject({ lane: "p/m" });
  expect(await readCallTiming(dir, 100)).toBeUndefined();
});

test("notes outlive the work folder", async () => {
  await write([record(2)]);
  await preserveCallTimings(dir);
  rmSync(join(dir, ".work"), { recursive: true });
  expect(await readCallTiming(dir, 2)).toMatchObject({ durationMs: 120 });
  // A run of which nothing was noted has nothing to keep.
  await preserveCallTimings(dir);
});

test("a disk that refuses stops the notes and nothing else", async () => {
  const refusing = {
    ...systemDisk,
    open: async (path: string) =>
      Object.assign(Object.create(await systemDisk.open(path)), {
        write: () => Promise.reject(new Error("full")),
        read: async () => 0,
        truncate: async () => undefined,
        close: async () => undefined,
      }),
  };
  const timings = await CallTimings.open(dir, CREATED, refusing);
  timings.recordCalls([record(0)]);
  timings.recordCalls([record(1)]);
  await timings.close();
  expect(await readCallTiming(dir, 0)).toBeUndefined();
});

test("an item costs eight bytes", async () => {
  await write(Array.from({ length: 1_000 }, (_, i) => record(i)));
  expect(statSync(join(dir, ".work", "calls.bin")).size).toBe(4_096 + 8 * 1_000);
});
