/**
 * A server process that spends the monthly budget of an API key with several callers at once: each makes one call after the
 * other until the budget refuses them for good.
 *
 *   node spending-process.ts <Redis URL> <namespace> <record of the key as JSON> <callers> <seed>
 *
 * Prints "ready", begins when its standard input ends, and prints one JSON object: what its calls cost, and how many there were.
 */
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { storedApiKey } from "#src/state/api-keys/api-key.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";

const [url = "", namespace = "", record = "", callers = "0", seed = "1"] = process.argv.slice(2);
const key = storedApiKey.parse(JSON.parse(record));
const source = openRedis(parseRedisUrl(url));
const usage = new KeyUsage(source.connect("commands"), createKeys(namespace));
const random = createRandom(Number(seed));
const totals = { cost: 0, calls: 0, refused: 0 };

await usage.readUse(key);
process.stdout.write("ready\n");
await buffer(process.stdin);
await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => spend(caller)));
process.stdout.write(`${JSON.stringify(totals)}\n`);
await source.close();

async function spend(caller: number): Promise<void> {
  for (let call = 0; ; call += 1) {
    const id = `${process.pid}-${caller}-${call}`;
    const reserved = 0.05 + random() * 0.45;
    const { refusedBy, retryAfterMs = 0 } = await usage.admit(key, id, { tokens: 1, cost: reserved });
    if (refusedBy !== undefined) {
      totals.refused += 1;
      // Calls in progress hold the rest of the budget; a longer wait is for the next month.
      if (retryAfterMs > 1_000) return;
      await sleep(5);
      continue;
    }
    await sleep(random() * 5);
    const isReleased = random() < 0.1;
    const cost = isReleased ? 0 : reserved * (0.2 + 0.8 * random());
    totals.cost += cost;
    totals.calls += 1;
    await usage.settle(key.id, id, isReleased ? { tokens: 0, cost: 0 } : { tokens: 1, cost });
  }
}

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
function createRandom(seedValue: number): () => number {
  let state = seedValue;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
