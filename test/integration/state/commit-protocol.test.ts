import fc from "fast-check";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeys, type RunKeys } from "#src/redis/keys.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { type RunCounters, RunLedger } from "#src/state/runs/run-ledger.ts";
import { type FaultProxy, startFaultProxy } from "#test/support/redis/fault-proxy.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const ITEMS = 20;
const DIMENSIONS = 2;

let redis: TestRedis;
let proxy: FaultProxy;
let runs = 0;

beforeEach(async () => {
  redis = openTestRedis();
  proxy = await startFaultProxy(redis.url);
});
afterEach(async () => {
  await proxy.close();
  await redis.cleanup();
});

let version = 0;

/** A unique record, so that a second record of an item would be noticed. */
function record(index: number, failed: boolean): WireRecord {
  version += 1;
  const base = { index, attempts: 1, tokens: 3 };
  if (failed) return { ...base, failure: { kind: "server", message: `version ${version}` } };
  return { ...base, vector: Buffer.from(Float32Array.from([index, version]).buffer) };
}

type Op =
  | {
      readonly op: "commit";
      readonly items: readonly number[];
      readonly failed: boolean;
      readonly cut?: { readonly forward: number; readonly lose: "command" | "reply" };
    }
  | { readonly op: "claim"; readonly items: readonly number[] }
  | { readonly op: "feed"; readonly cursor: number }
  | { readonly op: "collect"; readonly trim: boolean }
  | { readonly op: "reopen" }
  | { readonly op: "lose-redis" };

const someItems = fc.array(fc.nat({ max: ITEMS - 1 }), { minLength: 1, maxLength: 6 });
const cut = fc.record({ forward: fc.nat({ max: 2 }), lose: fc.constantFrom("command", "reply") });
const anyOp = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant("commit"), items: someItems, failed: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("commit"), items: someItems, failed: fc.boolean(), cut }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("claim"), items: someItems }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("feed"), cursor: fc.nat({ max: ITEMS }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("collect"), trim: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("reopen") }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("lose-redis") }) },
) as fc.Arbitrary<Op>;

/** A run in Redis, and a simulated disk that keeps the first record of each item. */
class Model {
  readonly disk = new Map<number, WireRecord>();
  readonly #client: Redis;
  readonly #keys: RunKeys;
  readonly control: RunControl;
  readonly ledger: RunLedger;
  readonly #blocking: Redis;
  #after = "0-0";
  #losses = 0;
  #refused = 0;
  #uncertain = false;
  /** First record of each item since Redis last lost data. */
  #left = new Map<number, WireRecord>();

  constructor(client: Redis, blocking: Redis, runId: string) {
    const keys = createKeys(redis.namespace);
    this.#client = client;
    this.#blocking = blocking;
    this.#keys = keys.run(runId);
    this.control = new RunControl(client, keys, runId);
    this.ledger = new RunLedger(client, this.#keys);
  }

  async open(): Promise<void> {
    const durable = Buffer.alloc(Math.ceil(ITEMS / 8));
    for (const index of this.disk.keys()) durable[index >> 3] = (durable[index >> 3] ?? 0) | (0x80 >> (index & 7));
    const { created } = await this.control.open(ITEMS, durable, {});
    expect(created).toBe(this.#left.size === 0 && this.#after === "0-0" && this.#fresh);
    this.#fresh = false;
    this.#after = "0-0";
  }
  #fresh = true;

  async apply(op: Op): Promise<void> {
    if (op.op === "commit" && op.cut) return await this.#commitThroughCut(op.items, op.failed, op.cut);
    if (op.op === "commit") return await this.#commit(op.items, op.failed);
    if (op.op === "claim") return await this.#claim(op.items);
    if (op.op === "feed") return await this.#feed(op.cursor);
    if (op.op === "collect") return await this.#collect(op.trim);
    if (op.op === "reopen") return await this.open();
    await this.#loseRedis();
  }

  async #commit(items: readonly number[], failed: boolean): Promise<void> {
    const before = await this.#done();
    const distinct = new Set(items);
    const fresh = [...distinct].filter((index) => !before.has(index));
    const reply = await this.ledger.commit(
      items.map((index) => record(index, failed)),
      DIMENSIONS,
      { answered: { inputs: 1, capacity: 10 } },
    );
    this.#refused += distinct.size - fresh.length;
    expect(reply).toEqual({ accepted: fresh.length, refused: items.length - fresh.length, isGone: false });
  }

  /** A worker or its connection fails between two commands; then another worker repeats the work. */
  async #commitThroughCut(items: readonly number[], failed: boolean, at: NonNullable<(Op & { op: "commit" })["cut"]>) {
    const before = await this.#done();
    proxy.cut(at);
    const client = new Redis({
      host: "127.0.0.1",
      port: proxy.port,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
    });
    client.on("error", () => undefined);
    const records = items.map((index) => record(index, failed));
    const outcome = await new RunLedger(client, this.#keys)
      .commit(records, DIMENSIONS, { answered: { inputs: 1, capacity: 10 } })
      .catch(() => "cut" as const);
    const ended = new Promise((resolve) => (client.status === "end" ? resolve(0) : client.once("end", resolve)));
    client.disconnect();
    await ended;
    const now = await this.#done();
    const fresh = items.filter((index) => !before.has(index));
    const written = fresh.filter((index) => now.has(index));
    // All or nothing: a commit is never partly applied.
    expect([0, fresh.length]).toContain(written.length);
    this.#uncertain ||= outcome === "cut";
    if (outcome !== "cut") this.#refused += new Set(items).size - new Set(fresh).size;
  }

  async #claim(items: readonly number[]): Promise<void> {
    const done = await this.#done();
    const left = await this.ledger.claim("left-in-queue", items);
    expect(left.open).toEqual(items.map(() => false));
    await this.ledger.release("left-in-queue", left);
    await this.#client.hset(this.#keys.jobs, "job", "0,0,0");
    const claim = await this.ledger.claim("job", items);
    expect(claim.open).toEqual(items.map((index) => !done.has(index)));
    await this.ledger.release("job", claim);
    const again = await this.ledger.claim("job", items);
    expect(again.claims).toBe(1);
    await this.ledger.release("job", again);
    await this.#client.hdel(this.#keys.jobs, "job");
  }

  async #feed(cursor: number): Promise<void> {
    await this.control.acquireLease("me", 60_000);
    expect(await this.control.feed("me", cursor, [{ id: "j", first: 0, last: cursor, generation: 2 }])).toBe("ok");
    expect(await this.control.feed("other", 0, [])).toBe("taken");
    expect(await this.control.outstandingJobs()).toEqual([{ id: "j", first: 0, last: cursor, generation: 2 }]);
    expect((await this.control.open(ITEMS, Buffer.alloc(0), {})).cursor).toBe(cursor);
  }

  async #collect(trim: boolean): Promise<void> {
    for (;;) {
      const entries = await this.control.readResults(this.#blocking, this.#after, 3, 1);
      const last = entries.at(-1);
      if (!last) break;
      for (const { index, ...rest } of entries.flatMap((entry) => [...entry.records])) {
        const found = { index, ...rest };
        // All records of an item in the stream are equal.
        const known = this.#left.get(index);
        if (known) expect(found).toEqual(known);
        this.#left.set(index, found);
        if (!this.disk.has(index)) this.disk.set(index, found);
      }
      this.#after = last.id;
      if (trim) expect(await this.control.trimResults("me", last.id)).toBe(true);
    }
  }

  async #loseRedis(): Promise<void> {
    await this.#client.del(...Object.values(this.#keys));
    this.#losses += 1;
    this.#left = new Map();
    this.#after = "0-0";
    this.#fresh = true;
    await this.open();
  }

  async #done(): Promise<Set<number>> {
    const bits = (await this.#client.getBuffer(this.#keys.done)) ?? Buffer.alloc(0);
    const all = Array.from({ length: ITEMS }, (_, index) => index);
    return new Set(all.filter((index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0));
  }

  async check(): Promise<void> {
    const entries = await this.#client.xrangeBuffer(this.#keys.results, "-", "+");
    const inStream =
      entries.length === 0
        ? []
        : (await this.control.readResults(this.#blocking, "0-0", 1_000, 1)).flatMap((e) => [...e.records]);
    const indices = inStream.map(({ index }) => index);
    expect(new Set(indices).size, "an item is twice in the stream").toBe(indices.length);
    const done = await this.#done();
    // An item is done if and only if its record is on disk or in the stream.
    expect([...done].sort()).toEqual([...new Set([...this.disk.keys(), ...indices])].sort());
    if (this.#losses > 0) return;
    const { succeeded = 0, failed = 0, refused, tokens }: RunCounters = (await this.ledger.readCounters()) ?? {};
    expect(succeeded + failed).toBe(done.size);
    expect(tokens).toBe(3 * succeeded);
    if (!this.#uncertain) expect(refused).toBe(this.#refused);
  }

  /** Commits the rest and checks that every item has exactly one record on disk. */
  async finish(): Promise<void> {
    await this.open();
    const done = await this.#done();
    const missing = Array.from({ length: ITEMS }, (_, index) => index).filter((index) => !done.has(index));
    if (missing.length > 0) {
      await this.ledger.commit(
        missing.map((index) => record(index, false)),
        DIMENSIONS,
      );
    }
    await this.#collect(true);
    expect([...this.disk.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: ITEMS }, (_, i) => i));
  }
}

test("every item has exactly one record, for any overlapping commits and any point at which a worker dies", async () => {
  const [client, blocking] = [redis.connect(), redis.connect()];
  await fc.assert(
    fc.asyncProperty(fc.array(anyOp, { maxLength: 25 }), async (ops) => {
      const model = new Model(client, blocking, `run-${runs++}`);
      await model.open();
      for (const op of ops) {
        await model.apply(op);
        await model.check();
      }
      await model.finish();
      await model.check();
      await model.control.finish();
    }),
    { numRuns: 30 },
  );
});

test("a commit for a run that has ended writes nothing and reports that", async () => {
  const client = redis.connect();
  const model = new Model(client, client, "ended");
  await model.open();
  await model.ledger.commit([record(0, false)], DIMENSIONS);
  await model.control.finish();
  expect(await model.ledger.commit([record(1, false)], DIMENSIONS)).toMatchObject({
    isGone: true,
    accepted: 0,
  });
  expect(await client.exists(createKeys(redis.namespace).run("ended").results)).toBe(0);
  expect((await model.ledger.claim("job", [1])).state).toBe("done");
});

test("calls that are counted before a lost run is opened again are added to the last known counts", async () => {
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const control = new RunControl(client, keys, "counts");
  const ledger = new RunLedger(client, keys.run("counts"));
  await control.open(ITEMS, Buffer.alloc(0), {});
  for (let call = 0; call < 5; call++) await ledger.countCall();
  const known = (await ledger.readCounters()) ?? {};
  await client.del(...Object.values(keys.run("counts")));
  for (let call = 0; call < 7; call++) await ledger.countCall();
  // More than were known before: taken for all counts, they would be added to themselves.
  expect(await ledger.readCounters()).toBeUndefined();
  expect(await control.open(ITEMS, Buffer.alloc(0), known)).toMatchObject({ created: true, hasLostCounts: true });
  expect(await ledger.readCounters()).toMatchObject({ callsMade: 12 });
  await control.resetItems();
  expect(await control.open(ITEMS, Buffer.alloc(0), known)).toMatchObject({ created: true, hasLostCounts: false });
  expect(await ledger.readCounters()).toMatchObject({ callsMade: 12 });
});

test("the same item twice in one commit is one record", async () => {
  const client = redis.connect();
  const model = new Model(client, redis.connect(), "twice");
  await model.open();
  const [first, second] = [record(4, false), record(4, false)];
  expect(await model.ledger.commit([first, record(5, false), second], DIMENSIONS)).toEqual({
    accepted: 2,
    refused: 1,
    isGone: false,
  });
  await model.check();
  expect(await model.ledger.readCounters()).toMatchObject({ succeeded: 2, tokens: 6 });
});

test("every key of a run has a TTL while it is active", async () => {
  const client = redis.connect();
  const model = new Model(client, client, "expiring");
  await model.open();
  await model.ledger.claim("job", [1, 2]);
  await model.ledger.addAttempts([1]);
  await model.ledger.commit([record(0, false)], DIMENSIONS, { answered: { inputs: 1, capacity: 10 } });
  await model.control.acquireLease("me", 60_000);
  await model.control.feed("me", 3, [{ id: "j", first: 0, last: 2, generation: 0 }]);
  await model.control.keepAlive(1);
  for (const key of await client.keys(`*${redis.namespace}*`))
    expect([key, (await client.pttl(key)) > 0]).toEqual([key, true]);
});

test("a worker that lost its lock does not end the claim of the job's new worker", async () => {
  const client = redis.connect();
  const model = new Model(client, client, "lost-lock");
  await model.open();
  const first = await model.ledger.claim("job", [1]);
  const second = await model.ledger.claim("job", [1]);
  await model.ledger.release("job", first);
  expect((await model.ledger.claim("job", [1])).claims).toBe(3);
  await model.ledger.release("job", second);
  expect((await model.ledger.claim("job", [1])).claims).toBe(4);
});

test("concurrent claims and commits each get their own reply", async () => {
  const client = redis.connect();
  const model = new Model(client, client, "together");
  await model.open();
  const { ledger } = model;
  await client.hset(createKeys(redis.namespace).run("together").jobs, { a: "1,2,0", b: "3,3,0", c: "4,4,0" });
  const chat = (index: number) => ({ index, attempts: 1, tokens: 2, json: { text: `answer ${index}` } });
  const call = { answered: { inputs: 1, capacity: 1 } };
  await ledger.commit([chat(2)], 0, call);
  await ledger.addAttempts([3]);
  const claims = await Promise.all([ledger.claim("a", [1, 2]), ledger.claim("b", [3]), ledger.claim("c", [4])]);
  expect(claims.map(({ open, attempts }) => [open, attempts])).toEqual([
    [
      [true, false],
      [0, 0],
    ],
    [[true], [1]],
    [[true], [0]],
  ]);
  const committed = await Promise.all([1, 2, 3, 3].map((index) => ledger.commit([chat(index)], 0, call)));
  expect(committed.map(({ accepted, refused }) => [accepted, refused])).toEqual([
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 1],
  ]);
  await Promise.all([1, 2, 3].map(() => ledger.countCall()));
  expect(await ledger.readCounters()).toMatchObject({
    callsMade: 3,
    callsAnswered: 3,
    callsRefused: 2,
    succeeded: 3,
    inputs: 5,
  });
});

test("an answer whose commit succeeded is not counted as a duplicate call if only the reply was lost", async () => {
  const client = redis.connect();
  const model = new Model(client, client, "lost-reply");
  await model.open();
  // Everything is sent twice, as after a connection that was lost before the replies.
  const resending = new Proxy(client, {
    get: (target, name) => {
      const value = Reflect.get(target, name);
      if (name !== "evalsha") return typeof value === "function" ? value.bind(target) : value;
      return async (...args: Parameters<typeof client.evalsha>) => {
        await target.evalsha(...args);
        return await target.evalsha(...args);
      };
    },
  });
  await model.ledger.commit([record(0, false)], DIMENSIONS);
  const ledger = new RunLedger(resending, createKeys(redis.namespace).run("lost-reply"));
  const call = { answered: { inputs: 1, capacity: 10 } };
  expect(await ledger.commit([record(1, false)], DIMENSIONS, call)).toMatchObject({
    accepted: 1,
    refused: 0,
  });
  expect(await ledger.commit([record(0, false), record(2, false)], DIMENSIONS, call)).toMatchObject({
    accepted: 1,
    refused: 1,
  });
  await Promise.all([ledger.countCall(), ledger.countCall()]);
  await ledger.count({ throttles: 1 });
  expect(await ledger.readCounters()).toMatchObject({
    callsMade: 2,
    callsAnswered: 2,
    callsRefused: 0,
    succeeded: 3,
    throttles: 1,
  });
});
