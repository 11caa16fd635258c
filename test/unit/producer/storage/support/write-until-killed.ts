/**
 * Stores records of a run in random order, with duplicates, and tells on standard output after each sync which are
 * durable; meant to be killed. Arguments: folder, items, dimensions, seed.
 */
import { openVectorStore } from "#src/producer/storage/vector-store.ts";
import { sampleRecord } from "./sample-record.ts";

const [dir = "", items = 0, dimensions = 0, seed = 0] = process.argv
  .slice(2)
  .map((arg, i) => (i === 0 ? arg : Number(arg)));

let state = Number(seed) + 1;
/** A small linear congruential generator: the same seed gives the same order. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const store = await openVectorStore(String(dir), { items: Number(items), dimensions: Number(dimensions) });
while (store.counts().missing > 0) {
  const indices = Array.from({ length: 1 + random(40) }, () => random(Number(items)));
  await store.write(indices.map((index) => sampleRecord(index, Number(dimensions))));
  if (random(3) > 0) continue;
  await store.sync();
  process.stdout.write(`${indices.join(" ")}\n`);
}
await store.close();
process.stdout.write("complete\n");
