import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { failureCause } from "../../src/core/error-signature.ts";
import { readClusters, readJournal } from "../../src/queue/run-journal.ts";
import { createKeys } from "../../src/redis/keys.ts";
import { killQuietly, progressed, Workshop } from "../support/cli.ts";
import { corpusText } from "../support/corpus.ts";
import { readJsonl } from "../support/read-output.ts";
import { type TestRedis, testRedis } from "../support/redis.ts";

const ITEMS = 300;
const FILTERED = [7, 130, 131];
const REFUSED = [200];
let redis: TestRedis;
let shop: Workshop;

beforeEach(async () => {
  redis = testRedis();
  shop = await Workshop.open({ env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: redis.namespace } });
  const word = (n: number) => (FILTERED.includes(n) ? " forbidden" : REFUSED.includes(n) ? " broken" : "");
  const lines = Array.from({ length: ITEMS }, (_, n) =>
    JSON.stringify({ id: `c-${n}`, text: `${corpusText(n)}${word(n)}` }),
  );
  shop.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(async () => {
  await shop[Symbol.asyncDispose]();
  await redis.cleanup();
});

const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const refuse = { text: "broken", action: { type: "code", code: 2013 } } as const;

async function clustersOf(run: string) {
  const clusters = await readClusters(redis.connect(), createKeys(redis.namespace), run);
  return clusters.map(({ kind, count, example }) => [kind, count, example.item]);
}

test("failures are clustered by cause, and one cause is retried without the others", async () => {
  shop.simulator.configure({ faults: [filter, refuse] });
  expect((await shop.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).code).toBe(1);
  const { run } = shop.manifest("out");
  const clusters = await readClusters(redis.connect(), createKeys(redis.namespace), run);
  expect(clusters.map(({ kind, count }) => [kind, count])).toEqual([
    ["content-filter", 3],
    ["invalid-request", 1],
  ]);
  const [filtered] = clusters;
  const errors = readJsonl(shop.path("out", "errors.jsonl")) as {
    kind: string;
    message: string;
    code: string;
  }[];
  expect(failureCause(errors[0]!)).toBe(filtered?.cause);
  const story = await readJournal(redis.connect(), createKeys(redis.namespace), run, 200);
  expect(story.at(-1)).toMatchObject({ items: [200], kind: "invalid-request" });

  shop.simulator.configure({ faults: [refuse] });
  const before = shop.simulator.statistics();
  const { code } = await shop.run(["retry", run, "--cause", filtered!.cause, "--workers", "1"]);
  expect(code).toBe(1);
  expect(shop.simulator.statistics().texts - before.texts).toBe(3);
  expect(shop.manifest("out")).toMatchObject({
    items: { succeeded: ITEMS - 1, failed: 1 },
    failuresByKind: { "invalid-request": 1 },
  });
  expect(await clustersOf(run)).toEqual([["invalid-request", 1, 200]]);
});

test("a cause that is none is refused with what is expected", async () => {
  const { code, stderr } = await shop.run(["retry", "out", "--cause", "other:nonsense"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/--cause: "other:nonsense" is no cause of failures: it has 12 hex digits/);
});

test("the rest of many causes is retried without the causes that are told apart, and its end is told", async () => {
  shop.simulator.configure({ faults: [filter, refuse] });
  expect((await shop.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).code).toBe(1);
  const { run } = shop.manifest("out");
  const client = redis.connect();
  const { clusters } = createKeys(redis.namespace).run(run);
  const [filtered] = (await readClusters(client, createKeys(redis.namespace), run)).map(({ cause }) => cause);
  // As if 200 others had come before the one of these items.
  await client.hdel(clusters, filtered ?? "");
  const { code, stdout } = await shop.run([
    ...["retry", run, "--cause", "other:content-filter", "--workers", "1", "--json"],
  ]);
  expect(code).toBe(1);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.find(({ event }) => event === "retried")).toMatchObject({
    items: 3,
    succeeded: 0,
    failed: 3,
  });
});

test("counts by cause and kind are exact after the whole run was killed and resumed", async () => {
  shop.simulator.configure({ faults: [filter, refuse], latency: { fixedMs: 60 } });
  const first = shop.embed(["corpus.jsonl", "--out", "out", "--window", "60", "--json"]);
  await first.event(progressed(0.5));
  for (const { pid } of shop.processes()) killQuietly(pid, "SIGKILL");
  await first.exit;
  await shop.empty();
  const { code } = await shop.embed(["corpus.jsonl", "--out", "out"]).exit;
  expect(code).toBe(1);
  const { run, failuresByKind } = shop.manifest("out");
  expect(failuresByKind).toEqual({ "content-filter": 3, "invalid-request": 1 });
  const counts = (await clustersOf(run)).map(([kind, count]) => [kind, count]);
  expect(counts).toEqual([
    ["content-filter", 3],
    ["invalid-request", 1],
  ]);
});
