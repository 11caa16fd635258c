import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readFailureCauses, readJournal } from "#src/state/runs/run-journal.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { CliSandbox, hasProgressedTo, killIfRunning } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ITEMS = 300;
const FILTERED = [7, 130, 131];
const REFUSED = [200];
let redis: TestRedis;
let sandbox: CliSandbox;

beforeEach(async () => {
  redis = openTestRedis();
  sandbox = await CliSandbox.open({
    env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: redis.namespace },
  });
  const word = (n: number) => (FILTERED.includes(n) ? " forbidden" : REFUSED.includes(n) ? " broken" : "");
  const lines = Array.from({ length: ITEMS }, (_, n) =>
    JSON.stringify({ id: `c-${n}`, text: `${buildCorpusText(n)}${word(n)}` }),
  );
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await redis.cleanup();
});

const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const rejectFault = { text: "broken", action: { type: "code", code: 2013 } } as const;

async function clustersOf(run: string) {
  const clusters = await readFailureCauses(redis.connect(), createKeys(redis.namespace), run);
  return clusters.map(({ kind, count, example }) => [kind, count, example.item]);
}

test("failures are grouped by cause, and one cause is retried without the others", async () => {
  sandbox.simulator.configure({ faults: [filter, rejectFault] });
  expect((await sandbox.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).code).toBe(1);
  const { run } = sandbox.manifest("out");
  const clusters = await readFailureCauses(redis.connect(), createKeys(redis.namespace), run);
  expect(clusters.map(({ kind, count }) => [kind, count])).toEqual([
    ["content-filter", 3],
    ["invalid-request", 1],
  ]);
  const [filtered] = clusters;
  const errors = readJsonl(sandbox.path("out", "errors.jsonl")) as {
    kind: string;
    message: string;
    code: string;
  }[];
  expect(computeFailureCause(errors[0]!)).toBe(filtered?.cause);
  const story = await readJournal(redis.connect(), createKeys(redis.namespace), run, 200);
  expect(story.at(-1)).toMatchObject({ items: [200], kind: "invalid-request" });

  sandbox.simulator.configure({ faults: [rejectFault] });
  const before = sandbox.simulator.statistics();
  const { code } = await sandbox.run(["retry", run, "--cause", filtered!.cause, "--workers", "1"]);
  expect(code).toBe(1);
  expect(sandbox.simulator.statistics().texts - before.texts).toBe(3);
  expect(sandbox.manifest("out")).toMatchObject({
    items: { succeeded: ITEMS - 1, failed: 1 },
    failuresByKind: { "invalid-request": 1 },
  });
  expect(await clustersOf(run)).toEqual([["invalid-request", 1, 200]]);
});

test("an unknown cause is rejected with the expected format", async () => {
  const { code, stderr } = await sandbox.run(["retry", "out", "--cause", "other:nonsense"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/--cause: unknown cause "other:nonsense": expected 12 hex digits/);
});

test("the rest of many causes is retried without the separate causes, and its end is reported", async () => {
  sandbox.simulator.configure({ faults: [filter, rejectFault] });
  expect((await sandbox.embed(["corpus.jsonl", "--out", "out", "--format", "jsonl"]).exit).code).toBe(1);
  const { run } = sandbox.manifest("out");
  const client = redis.connect();
  const { causes } = createKeys(redis.namespace).run(run);
  const [filtered] = (await readFailureCauses(client, createKeys(redis.namespace), run)).map(({ cause }) => cause);
  // As if 200 other causes had been counted before.
  await client.hdel(causes, filtered ?? "");
  const { code, stdout } = await sandbox.run([
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
  sandbox.simulator.configure({ faults: [filter, rejectFault] });
  const release = sandbox.simulator.hold(30);
  const first = sandbox.embed(["corpus.jsonl", "--out", "out", "--window", "60", "--json"]);
  await first.event(hasProgressedTo(0.25), "a quarter of the items");
  for (const { pid } of sandbox.processes()) killIfRunning(pid, "SIGKILL");
  await first.exit;
  release();
  await sandbox.waitUntilNoProcesses();
  const { code } = await sandbox.embed(["corpus.jsonl", "--out", "out"]).exit;
  expect(code).toBe(1);
  const { run, failuresByKind } = sandbox.manifest("out");
  expect(failuresByKind).toEqual({ "content-filter": 3, "invalid-request": 1 });
  const counts = (await clustersOf(run)).map(([kind, count]) => [kind, count]);
  expect(counts).toEqual([
    ["content-filter", 3],
    ["invalid-request", 1],
  ]);
});
