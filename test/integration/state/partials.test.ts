import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeys, type ItemKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { ItemLedger } from "#src/state/items/item-ledger.ts";
import { readOutcome, registerItem } from "#src/state/items/item-store.ts";
import { PartialWriter, readPartials } from "#src/state/items/partials.ts";
import { STREAM_EPILOGUE } from "#src/workers/calls/final-partial.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

let redis: TestRedis;
let client: RedisClient;
let keys: Keys;
let item: ItemKeys;

beforeEach(async () => {
  redis = openTestRedis();
  client = redis.connect();
  keys = createKeys(redis.namespace);
  item = keys.item("c-1");
  const chat = { kind: "chat", model: "fake/m", total: 1, submittedAt: 1 } as const;
  await registerItem(client, keys, "c-1", chat, 60_000);
});

afterEach(() => redis.cleanup());

const recordOf = (text: string) => ({
  index: 0,
  attempts: 1,
  tokens: 3,
  json: { text, finishReason: { unified: "stop" }, usage: {} },
});

async function write(ledger: ItemLedger, ...deltas: string[]): Promise<string[]> {
  const states: string[] = [];
  const writer = new PartialWriter(client, item, ledger, (state) => states.push(state));
  for (const delta of deltas) {
    writer.write("text", delta);
    await writer.flush();
  }
  return states;
}

/** The final text of a reader, and the hash that it received. */
async function readAll(): Promise<{ text: string; sha256: unknown }> {
  let text = "";
  let sha256: unknown;
  for (const partial of await readPartials(client, item, "0-0")) {
    if (partial.type === "reset") text = "";
    else if (partial.type === "text") text += partial.delta;
    else if (partial.type === "end") ({ sha256 } = partial.final as { sha256: string });
  }
  return { text, sha256 };
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

test("a delta that is sent again because its reply was lost is stored once", async () => {
  const ledger = new ItemLedger(client, item, STREAM_EPILOGUE);
  await ledger.claim("c-1", [0]);
  await write(ledger, "one ");
  ledger.written = 0;
  await write(ledger, "one ", "two");
  await ledger.commit([recordOf("one two")], 0);
  expect(await readAll()).toEqual({ text: "one two", sha256: hashOf("one two") });
});

test("a single delta is written immediately; deltas that arrive during the write become one entry", async () => {
  const ledger = new ItemLedger(client, item, STREAM_EPILOGUE);
  await ledger.claim("c-1", [0]);
  const writer = new PartialWriter(client, item, ledger, () => undefined);
  const deltas = Array.from({ length: 100 }, (_, n) => `${n} `);
  for (const delta of deltas) writer.write("text", delta);
  writer.write("reasoning", "why ");
  writer.write("reasoning", "not");
  await writer.flush();
  const entries = await readPartials(client, item, "0-0");
  expect(entries).toMatchObject([
    { type: "text", delta: "0 " },
    { type: "text", delta: deltas.slice(1).join("") },
    { type: "reasoning", delta: "why not" },
  ]);
});

test.each([
  ["in mid-answer", ["four"]],
  ["just before the end", []],
])("deltas that Redis has lost %s leave no gap: readers start over and get the complete text", async (_, rest) => {
  const ledger = new ItemLedger(client, item, STREAM_EPILOGUE);
  await ledger.claim("c-1", [0]);
  await write(ledger, "one ", "two ", "three ");
  const [, second, third] = await readPartials(client, item, "0-0");
  await client.xdel(item.partials, second?.id ?? "", third?.id ?? "");
  await client.hset(item.state, "written", 1);
  expect(await write(ledger, ...rest)).toEqual([]);
  const text = `one two three ${rest.join("")}`;
  expect(await ledger.commit([recordOf(text)], 0)).toMatchObject({ accepted: 1 });
  expect(await readAll()).toEqual({ text, sha256: hashOf(text) });
});

test("the first record wins, even from an attempt that was taken over; readers get its text", async () => {
  const [first, second] = [1, 2].map(() => new ItemLedger(client, item, STREAM_EPILOGUE));
  if (!first || !second) throw new Error("two ledgers");
  await first.claim("c-1", [0]);
  await write(first, "from the ", "first");
  await second.claim("c-1", [0]);
  await write(second, "from ");
  expect(await write(first, "late")).toEqual(["stale"]);
  expect(await first.commit([recordOf("from the first")], 0)).toMatchObject({ accepted: 1 });
  expect(await second.commit([recordOf("from the second")], 0)).toMatchObject({ accepted: 0, refused: 1 });
  expect(await readAll()).toEqual({ text: "from the first", sha256: hashOf("from the first") });
  const outcome = await readOutcome(client, keys, "c-1");
  expect(outcome).toMatchObject({ records: [{ json: { text: "from the first" } }] });
});

test("a worker that lost its lock does not end the claim of the item's new worker", async () => {
  const [first, second] = [1, 2].map(() => new ItemLedger(client, item));
  if (!first || !second) throw new Error("two ledgers");
  const lost = await first.claim("c-1", [0]);
  const claimed = await second.claim("c-1", [0]);
  await first.release("c-1", lost);
  expect(await client.hget(item.state, "claims")).toBe("2");
  await second.release("c-1", claimed);
  expect(await client.hget(item.state, "claims")).toBe("0");
});

test("inputs with a record are not sent again after the next claim", async () => {
  const texts = keys.item("c-2");
  const embedding = { kind: "embedding", model: "fake/e", total: 3, submittedAt: 1 } as const;
  await registerItem(client, keys, "c-2", embedding, 60_000);
  const ledger = new ItemLedger(client, texts);
  await ledger.claim("c-2", [0, 1, 2]);
  await ledger.addAttempts([2]);
  const vector = (index: number) => ({ index, attempts: 1, tokens: 1, vector: Buffer.alloc(8, index) });
  await ledger.commit([vector(1)], 2);
  expect(await readOutcome(client, keys, "c-2")).toBe("waiting");
  const again = new ItemLedger(client, texts);
  expect(await again.claim("c-2", [0, 1, 2])).toMatchObject({
    open: [true, false, true],
    attempts: [0, 0, 1],
  });
  expect(await again.commit([vector(0), vector(1), vector(2)], 2)).toMatchObject({ accepted: 2, refused: 1 });
  const outcome = await readOutcome(client, keys, "c-2");
  expect(outcome).toMatchObject({ records: [vector(0), vector(1), vector(2)] });
});
