/**
 * Stores records of a planned run in random order, some of them several times, and prints after each sync which records
 * are durable; meant to be killed. Arguments: folder, items, dimensions, seed, then optionally a point and a turn: when
 * it reaches that point for the given time, it prints "paused" and waits forever.
 */
import { type Disk, systemDisk } from "#src/producer/storage/disk.ts";
import { sampleRecord } from "./sample-record.ts";
import { openStore } from "./sample-records.ts";

const [dir = "", ...args] = process.argv.slice(2);
const [items = 0, dimensions = 0, seed = 0] = args.map(Number);
const [, , , point = "never", turns = "1"] = args;

let state = seed + 1;
/** A small linear congruential generator: the same seed gives the same order. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

let reached = 0;
async function pauseAt(name: string): Promise<void> {
  if (name !== point) return;
  reached += 1;
  if (reached < Number(turns)) return;
  process.stdout.write("paused\n");
  await new Promise<never>(() => setInterval(() => undefined, 60_000));
}

const pausingDisk: Disk = {
  ...systemDisk,
  open: async (path) => {
    const file = await systemDisk.open(path);
    return {
      write: async (buffers, position) => {
        await pauseAt("before the vectors");
        const bytes = Buffer.concat(buffers);
        const half = bytes.length >> 1;
        await file.write([bytes.subarray(0, half)], position);
        await pauseAt("within the vectors");
        await file.write([bytes.subarray(half)], position + half);
        await pauseAt("before the fsync");
      },
      sync: async () => {
        await pauseAt("during the fsync");
        await file.sync();
        await pauseAt("before the commit");
      },
      read: (into, position) => file.read(into, position),
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  },
};

const store = await openStore(dir, items, { disk: pausingDisk });
let written: number[] = [];
while (store.counts().missing > 0) {
  const indices = Array.from({ length: 1 + random(40) }, () => random(items));
  await store.write(indices.map((index) => sampleRecord(index, dimensions)));
  written.push(...indices);
  if (random(3) > 0) continue;
  await store.sync();
  process.stdout.write(`${written.join(" ")}\n`);
  written = [];
  await pauseAt("before the trim");
}
await store.close();
process.stdout.write("complete\n");
