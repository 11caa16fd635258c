import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { finalize } from "#src/producer/output/finalize.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";
import { failsAt, sampleRecord, sampleVector } from "./support/sample-record.ts";
import { sampleItem, sampleItems, temporaryFolder } from "./support/sample-records.ts";

const WRITER = fileURLToPath(new URL("support/write-until-killed.ts", import.meta.url));
const [ITEMS, DIMENSIONS] = [500, 64];

/** Runs the writer until it has reported `lines` syncs, then kills it (SIGKILL). Returns what it reported as durable. */
async function writeAndKill(dir: string, seed: number, lines: number) {
  const child = spawn(process.execPath, [WRITER, dir, `${ITEMS}`, `${DIMENSIONS}`, `${seed}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const durable: number[] = [];
  let complete = false;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "complete") complete = true;
    else durable.push(...line.split(" ").map(Number));
    seen += 1;
    if (seen === lines) child.kill("SIGKILL");
  }
  await exit;
  return { durable, complete };
}

test("a process killed with -9 again and again loses nothing it had synced, and the output is exact", async () => {
  const dir = await temporaryFolder();
  const durable = new Set<number>();
  let complete = false;
  for (let round = 0; !complete; round += 1) {
    const outcome = await writeAndKill(dir, round, round < 4 ? 2 + round * 6 : Number.POSITIVE_INFINITY);
    for (const index of outcome.durable) durable.add(index);
    complete = outcome.complete;
    const store = await openVectorStore(dir, { items: ITEMS, dimensions: DIMENSIONS });
    expect([...durable].filter((index) => !store.has(index))).toEqual([]);
    const into = new Uint8Array(DIMENSIONS * 4);
    for (let index = 0; index < ITEMS; index += 1) {
      if (!store.has(index)) continue;
      const { damaged, vectors, failures } = await store.read(index, 1, into);
      expect(damaged).toEqual([]);
      if (failsAt(index)) expect(failures.get(index)).toEqual(sampleRecord(index, 1).failure);
      else if (!vectors.every((value, i) => value === sampleVector(index, DIMENSIONS)[i])) {
        throw new Error(`vector of item ${index} differs`);
      }
    }
    await store.close();
  }
  const store = await openVectorStore(dir, { items: ITEMS, dimensions: DIMENSIONS });
  const { ok } = await finalize(store, sampleItems(ITEMS, [100]), dir, {
    format: "jsonl",
    withText: false,
    run: "r",
    model: "m",
  });
  await store.close();
  expect((await readdir(dir)).toSorted()).toEqual([".work", "errors.jsonl", "records.jsonl"]);
  const lines = (await readFile(join(dir, "records.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(ITEMS);
  const records = lines.map((line) => JSON.parse(line));
  expect(records.map(({ id }) => id)).toEqual(records.map((_, index) => sampleItem(index).id));
  expect(records.filter(({ vector }) => vector !== null)).toHaveLength(ok);
});
