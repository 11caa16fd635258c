import { join } from "node:path";
import { expect, test } from "vitest";
import { FailedAttemptWriter } from "#src/producer/storage/failed-attempt-writer.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import type { JournalEntry } from "#src/state/runs/run-journal.ts";
import { collect } from "#test/support/runs/source-folder.ts";
import { openStore, plannedFolder, temporaryFolder } from "./support/sample-records.ts";

const ITEMS = 1_700;

test("reading may start at any item, and several readers do not disturb each other or the coordinator", async () => {
  const dir = await plannedFolder(ITEMS);
  const store = await openStore(dir, ITEMS);
  const starts = [0, 1, 499, 500, 501, ITEMS - 1, ITEMS, 9_999];
  const reading = starts.map((from) => collect(readItems(dir, { from })));
  await store.write([{ index: 3, attempts: 1, tokens: 1, vector: Buffer.alloc(4) }]);
  await store.sync();
  for (const [at, items] of (await Promise.all(reading)).entries()) {
    const from = starts[at] ?? 0;
    expect(items.map(({ index }) => index)).toEqual(
      Array.from({ length: Math.max(0, ITEMS - from) }, (_, i) => from + i),
    );
  }
  await store.close();
});

test("a missing database is reported with what to do, and an aborted signal ends the reading", async () => {
  const empty = await temporaryFolder();
  await expect(collect(readItems(empty))).rejects.toMatchObject({
    name: "RunError",
    message: `${join(empty, "run.db")}: the run's database is missing`,
  });
  const signal = AbortSignal.abort(new Error("interrupted"));
  await expect(collect(readItems(await plannedFolder(10), { signal }))).rejects.toBe(signal.reason);
});

test("a failed attempt is stored once for each of its items, although it may be read twice", async () => {
  const store = await openStore(await plannedFolder(3), 3);
  const entry: JournalEntry = {
    ...{ id: "7-0", at: 5_000, startedAt: 4_000, durationMs: 900, attempt: 2, items: [0, 2] },
    ...{ lane: "p/m", worker: "w", kind: "timeout", message: "no answer within 900 ms" },
  };
  const writer = new FailedAttemptWriter(store.database);
  writer.write([entry], entry.id);
  writer.write([entry, { ...entry, id: "8-0", attempt: 3, items: [2] }], "8-0");
  const rows = store.database.prepare('SELECT "index", attempt, outcome, kind FROM attempts ORDER BY 1, 2').all();
  expect(rows).toEqual([
    { index: 0, attempt: 2, outcome: "failed", kind: "timeout" },
    { index: 2, attempt: 2, outcome: "failed", kind: "timeout" },
    { index: 2, attempt: 3, outcome: "failed", kind: "timeout" },
  ]);
  await store.close();
});
