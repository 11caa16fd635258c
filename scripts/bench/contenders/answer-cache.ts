// Writes answers to an answer cache, or looks them up, and prints the cost as JSON. The cache is loaded from a checkout.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import type { AnswerCache } from "#src/producer/cache/answer-cache.ts";

export interface CacheParams {
  /** Folder of the checkout whose cache is measured. */
  readonly root: string;
  readonly folder: string;
  readonly task: "write" | "read";
  readonly entries: number;
  readonly floats: number;
}

export interface CacheCost {
  readonly openMs: number;
  readonly steps: readonly CacheStepCost[];
  /** The longest time in which the event loop did nothing else, in ms. */
  readonly blockedMs: number;
  readonly peakRss: number;
}

export interface CacheStepCost {
  readonly name: "insert" | "hit" | "miss";
  readonly count: number;
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

const AT_ONCE = 200;
const LOOKUPS = 100_000;
const params = JSON.parse(process.argv[2] ?? "") as CacheParams;

const path = join(params.root, "src/producer/cache/answer-cache.ts");
const { AnswerCache: Cache } = (await import(pathToFileURL(path).href)) as { AnswerCache: typeof AnswerCache };
const opening = performance.now();
const cache = await Cache.open(params.folder, { maxBytes: 1e12, now: Date.now, notify: console.error });
const openMs = performance.now() - opening;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const steps = params.task === "write" ? [await insert()] : [await find("hit"), await find("miss")];
await cache.close();
delay.disable();
const cost: CacheCost = {
  openMs,
  steps,
  blockedMs: delay.max / 1e6,
  peakRss: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(JSON.stringify(cost));

function keyOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function measure(name: CacheStepCost["name"], count: number, work: (n: number) => Promise<void>) {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  for (let n = 0; n < count; n += AT_ONCE) await work(n);
  const { user, system } = process.cpuUsage(before);
  return { name, count, wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1_000 };
}

function insert(): Promise<CacheStepCost> {
  const floats = Float32Array.from({ length: params.floats }, (_, i) => i / 7);
  return measure("insert", params.entries, async (from) => {
    for (let n = from; n < from + AT_ONCE; n++) {
      floats[0] = n;
      cache.put(keyOf(`text ${n}`), { tokens: n, vector: Buffer.from(floats.buffer.slice(0)) });
    }
    await cache.flush();
  });
}

async function find(name: "hit" | "miss"): Promise<CacheStepCost> {
  let found = 0;
  const cost = await measure(name, LOOKUPS, async (from) => {
    // A step that shares no factor with the number of entries visits them in a scattered order.
    const numbers = Array.from({ length: AT_ONCE }, (_, i) => ((from + i) * 7_919) % params.entries);
    const answers = await cache.find(numbers.map((n) => keyOf(name === "hit" ? `text ${n}` : `other ${n}`)));
    found += answers.filter((answer, i) => answer?.tokens === numbers[i]).length;
  });
  if (found !== (name === "hit" ? LOOKUPS : 0)) throw new Error(`${found} answers were found`);
  return cost;
}
