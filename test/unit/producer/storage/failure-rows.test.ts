import { expect, test } from "vitest";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { Failure } from "#src/core/item.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type ItemQuery, toRetryQuery } from "#src/producer/items/item-query.ts";
import {
  countFailedResets,
  findShortestTooLong,
  listFailureGroups,
  type ResetRecords,
  resetRecords,
} from "#src/producer/storage/failure-rows.ts";
import { openRunDatabase } from "#src/producer/storage/run-database.ts";
import { openStore, plannedFolder } from "./support/sample-records.ts";

const ITEMS = 1_000;
const long: Failure = { kind: "too-long", message: "text of 9000 tokens" };
const down: Failure = { kind: "server", message: "HTTP 500", code: "1000", providerMessage: "try later" };

async function runWith(failures: readonly (readonly [number, Failure])[]): Promise<string> {
  const dir = await plannedFolder(ITEMS);
  const store = await openStore(dir, ITEMS);
  const failed = new Map(failures);
  const vector = Buffer.alloc(4);
  const records = Array.from({ length: ITEMS }, (_, index) => {
    const failure = failed.get(index);
    return failure ? { index, attempts: 1, tokens: 1, failure } : { index, attempts: 1, tokens: 1, vector };
  });
  await store.write(records.toReversed());
  await store.close();
  return dir;
}

async function reset(dir: string, query: ItemQuery): Promise<ResetRecords> {
  using finder = new ItemFinder(dir);
  const indices = [...finder.listIndices(toRetryQuery(query))];
  using database = openRunDatabase(dir).database;
  return await resetRecords(database, indices);
}

async function missing(dir: string): Promise<number[]> {
  const store = await openStore(dir, ITEMS);
  const ranges = [...store.missing()];
  await store.close();
  return ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
}

test("failures are grouped by cause, with the first of each and its messages", async () => {
  const dir = await runWith([
    [7, long],
    [3, { ...long, message: "text of 8 tokens" }],
    [998, down],
  ]);
  using database = openRunDatabase(dir).database;
  expect(listFailureGroups(database).toSorted((a, b) => a.index - b.index)).toEqual([
    { ...{ kind: "too-long", code: undefined, count: 2, index: 3 }, message: "text of 8 tokens" },
    { ...down, count: 1, index: 998 },
  ]);
  expect(listFailureGroups(openRunDatabase(await runWith([])).database)).toEqual([]);
});

test("failures of one cause are reset, and others stay", async () => {
  const dir = await runWith([
    [1, long],
    [2, { ...long, message: "text of 8 tokens" }],
    [3, down],
    [4, { ...down, code: "1001" }],
  ]);
  expect(await reset(dir, { cause: computeFailureCause(long) })).toEqual({ count: 2, kept: { server: 2 } });
  expect(await missing(dir)).toEqual([1, 2]);
});

test("kind and cause together select only failures that match both", async () => {
  const dir = await runWith([
    [1, long],
    [3, down],
  ]);
  const filter = { kinds: new Set(["server"]), cause: computeFailureCause(long) };
  expect(await reset(dir, filter)).toEqual({ count: 0, kept: { "too-long": 1, server: 1 } });
  expect(await missing(dir)).toEqual([]);
});

test("all causes of a kind except some are reset", async () => {
  const dir = await runWith([
    [1, long],
    [3, down],
    [4, { ...down, message: "HTTP 503" }],
  ]);
  const filter = { kinds: new Set(["server", "timeout"]), excludedCauses: new Set([computeFailureCause(down)]) };
  expect(await reset(dir, filter)).toEqual({ count: 1, kept: { "too-long": 1, server: 1 } });
  expect(await missing(dir)).toEqual([4]);
});

test("a reset that is repeated after a kill counts the same items, and a later one only its own", async () => {
  const dir = await runWith([
    [1, long],
    [3, down],
    [4, down],
  ]);
  const servers = { kinds: new Set(["server"]) };
  expect((await reset(dir, servers)).count).toBe(2);
  expect(await reset(dir, servers)).toEqual({ count: 2, kept: { "too-long": 1 } });
  const store = await openStore(dir, ITEMS);
  await store.write([
    { index: 3, attempts: 2, tokens: 1, failure: down },
    { index: 4, attempts: 2, tokens: 1, vector: Buffer.alloc(4) },
  ]);
  await store.sync();
  expect(countFailedResets(store.database)).toBe(1);
  await store.close();
  expect(await reset(dir, {})).toEqual({ count: 2, kept: {} });
  expect(await missing(dir)).toEqual([1, 3]);
});

test("a reset of an item resets its duplicates too", async () => {
  const dir = await plannedFolder([
    { id: "a", text: "t", tokens: 1 },
    { id: "b", text: "t", tokens: 1, duplicateOf: 0 },
  ]);
  const store = await openStore(dir, 2);
  await store.write([{ index: 0, attempts: 1, tokens: 0, failure: down }]);
  await store.close();
  expect(await reset(dir, { kinds: new Set(["server"]) })).toEqual({ count: 2, kept: {} });
  const again = await openStore(dir, 2);
  await again.write([{ index: 0, attempts: 1, tokens: 3, vector: Buffer.alloc(4) }]);
  expect(again.counts()).toMatchObject({ ok: 2, failed: 0, tokens: 3, reused: { duplicates: 1 } });
  await again.close();
});

test("the shortest item that was too long is found by its estimated tokens", async () => {
  const dir = await runWith([
    [3, long],
    [4, down],
    [5, long],
  ]);
  using database = openRunDatabase(dir).database;
  database.exec(`UPDATE items SET tokens = 100 + "index"`);
  expect(findShortestTooLong(database)).toBe(103);
  database.exec("DELETE FROM records WHERE kind = 'too-long'");
  expect(findShortestTooLong(database)).toBeUndefined();
});
