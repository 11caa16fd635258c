import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { finalize } from "#src/producer/output/finalize.ts";
import { expectFirstVersions } from "./support/expect-records.ts";
import { listOutput, openStore, plannedFolder, sampleItem } from "./support/sample-records.ts";

const WRITER = fileURLToPath(new URL("support/write-until-killed.ts", import.meta.url));
const [ITEMS, DIMENSIONS] = [500, 64];

interface Kill {
  readonly seed: number;
  /** Where the writer pauses and is killed, and the how manieth time it is there. */
  readonly point?: string;
  readonly turn?: number;
  /** Kills the writer at once when it has reported so many syncs. */
  readonly syncs?: number;
}

/** Runs the writer and kills it (SIGKILL). Returns the items that it reported as durable. */
async function writeAndKill(dir: string, { seed, point = "never", turn = 1, syncs = Number.POSITIVE_INFINITY }: Kill) {
  const args = [WRITER, dir, ITEMS, DIMENSIONS, seed, point, turn].map(String);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const durable = new Set<number>();
  let isComplete = false;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "paused") child.kill("SIGKILL");
    else if (line === "complete") isComplete = true;
    else {
      for (const index of line.split(" ").map(Number)) durable.add(index);
      seen += 1;
      if (seen === syncs) child.kill("SIGKILL");
    }
  }
  await exit;
  return { durable, isComplete };
}

test("a process killed with -9 again and again loses nothing it had synced, and the output is exact", async () => {
  const dir = await plannedFolder(ITEMS);
  let isComplete = false;
  const durable = new Set<number>();
  for (let seed = 0; !isComplete; seed += 1) {
    const syncs = seed < 4 ? 2 + seed * 6 : undefined;
    const outcome = await writeAndKill(dir, syncs === undefined ? { seed } : { seed, syncs });
    for (const index of outcome.durable) durable.add(index);
    isComplete = outcome.isComplete;
    const store = await openStore(dir, ITEMS);
    expect(await expectFirstVersions(store, DIMENSIONS)).toEqual(expect.arrayContaining([...durable]));
    await store.close();
  }
  const store = await openStore(dir, ITEMS);
  const { ok } = await finalize(store, dir, { format: "jsonl", withText: false, run: "r", model: "m" });
  await store.close();
  expect(await listOutput(dir)).toEqual([".work", "digests.bin", "errors.jsonl", "records.jsonl"]);
  const lines = (await readFile(join(dir, "records.jsonl"), "utf8")).trimEnd().split("\n");
  const records = lines.map((line) => JSON.parse(line));
  expect(records.map(({ id }) => id)).toEqual(Array.from({ length: ITEMS }, (_, index) => sampleItem(index).id));
  expect(records.filter(({ vector }) => vector !== null)).toHaveLength(ok);
});

test.each(["before the vectors", "within the vectors", "before the fsync", "during the fsync", "before the commit"])(
  "a process killed %s leaves exactly the records of the commits before",
  async (point) => {
    const dir = await plannedFolder(ITEMS);
    for (const turn of [1, 9]) {
      const earlier = await openStore(dir, ITEMS);
      const before = await expectFirstVersions(earlier, DIMENSIONS);
      await earlier.close();
      const { durable } = await writeAndKill(dir, { seed: turn, point, turn });
      const store = await openStore(dir, ITEMS);
      const present = await expectFirstVersions(store, DIMENSIONS);
      expect(present).toEqual([...new Set([...before, ...durable])].toSorted((a, b) => a - b));
      await store.close();
    }
  },
);

test("a process killed between its commit and the trim has the records that it receives again then", async () => {
  const dir = await plannedFolder(ITEMS);
  const { durable } = await writeAndKill(dir, { seed: 3, point: "before the trim", turn: 2 });
  const store = await openStore(dir, ITEMS);
  expect(await expectFirstVersions(store, DIMENSIONS)).toEqual([...durable].toSorted((a, b) => a - b));
  expect(store.isResumed).toBe(true);
  await store.close();
});
