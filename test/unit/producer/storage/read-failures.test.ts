import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { Failure } from "#src/core/item.ts";
import { readFailures, type StoredFailure } from "#src/producer/storage/read-failures.ts";
import { resetFailures } from "#src/producer/storage/reset-failures.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-failures-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const ITEMS = 1_000;
const long: Failure = { kind: "too-long", message: "text of 9000 tokens" };
const down: Failure = { kind: "server", message: "HTTP 500", code: "1000" };

async function writeFailures(failures: ReadonlyMap<number, Failure>): Promise<void> {
  const store = await openVectorStore(dir, { items: ITEMS, dimensions: 1 });
  const vector = Buffer.alloc(4);
  const records = Array.from({ length: ITEMS }, (_, index) => {
    const failure = failures.get(index);
    return { index, attempts: 1, tokens: 1, ...(failure ? { failure } : { vector }) };
  });
  // Backwards, so that failures lie on disk in another order than their items.
  for (let at = ITEMS; at > 0; at -= 100) await store.write(records.slice(at - 100, at));
  await store.close();
}

async function readAll(): Promise<StoredFailure[]> {
  const found: StoredFailure[] = [];
  for await (const failures of readFailures(dir, ITEMS)) found.push(...failures);
  return found;
}

test("failures come back in the order of their items, whole", async () => {
  const failures = new Map([
    [0, down],
    [3, long],
    [998, { ...long, message: "x".repeat(5_000) }],
  ]);
  await writeFailures(failures);
  expect(await readAll()).toEqual([...failures].map(([index, failure]) => ({ index, failure })));
});

test("a store without failures gives none, and reading changes nothing", async () => {
  await writeFailures(new Map());
  expect(await readAll()).toEqual([]);
  const store = await openVectorStore(dir, { items: ITEMS, dimensions: 1 });
  expect(store.counts()).toMatchObject({ ok: ITEMS, failed: 0 });
  await store.close();
});

test("failures of one cause are reset, and others stay", async () => {
  await writeFailures(
    new Map([
      [1, long],
      [2, { ...long, message: "text of 8 tokens" }],
      [3, down],
      [4, { ...down, code: "1001" }],
    ]),
  );
  const back = await resetFailures(dir, ITEMS, { cause: computeFailureCause(long) });
  expect(back).toMatchObject({ reset: { "too-long": 2 }, kept: { server: 2 }, count: 2 });
  expect([0, 1, 2, 3, 4].filter(back.has)).toEqual([1, 2]);
  expect((await readAll()).map(({ index }) => index)).toEqual([3, 4]);
});

test("kind and cause together take only what fits both", async () => {
  await writeFailures(
    new Map([
      [1, long],
      [3, down],
    ]),
  );
  const filter = { kinds: new Set(["server"]), cause: computeFailureCause(long) };
  expect(await resetFailures(dir, ITEMS, filter)).toMatchObject({
    reset: {},
    kept: { "too-long": 1, server: 1 },
  });
});

test("all causes except some are reset", async () => {
  const other = { ...down, message: "HTTP 503" };
  await writeFailures(
    new Map([
      [1, long],
      [3, down],
      [4, other],
    ]),
  );
  const filter = { kinds: new Set(["server"]), excludedCauses: new Set([computeFailureCause(down)]) };
  expect(await resetFailures(dir, ITEMS, filter)).toMatchObject({ reset: { server: 1 }, count: 1 });
  expect((await readAll()).map(({ index }) => index)).toEqual([1, 3]);
});
