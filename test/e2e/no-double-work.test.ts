import { readFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { SIMULATOR_ZHIPU_KEY } from "../../src/simulator/simulator.ts";
import { type Cli, killQuietly, progressed, Workshop } from "../support/cli.ts";
import { corpusText, expectedVectors } from "../support/corpus.ts";
import { readJsonl, readNpy } from "../support/read-output.ts";
import { waitFor } from "../support/wait-for.ts";

const ITEMS = 1_200;
const DISTINCT = 500;
const CONCURRENCY = 4;
/** Equal texts are neighbours, or far from each other, or both. */
const textOf = (n: number) => corpusText(n % 7 === 0 ? 0 : n % DISTINCT);
const asked = new Set(Array.from({ length: ITEMS }, (_, n) => textOf(n))).size;

function openShop(fixedMs = 0): Promise<Workshop> {
  return Workshop.open({
    latency: { fixedMs },
    limits: { requestsPerMinute: 100_000, concurrency: CONCURRENCY },
  });
}

function writeTexts(shop: Workshop, count = ITEMS, text: (n: number) => string = textOf): void {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ id: `c-${n}`, text: text(n) }));
  shop.write("corpus.jsonl", `${lines.join("\n")}\n`);
}

async function readVectors(shop: Workshop, out: string, format: string): Promise<Float32Array> {
  if (format === "npy") return readNpy(shop.path(out, "vectors.npy")).floats;
  const rows =
    format === "jsonl"
      ? readJsonl(shop.path(out, "records.jsonl"))
      : await parquetReadObjects({
          file: new Uint8Array(readFileSync(shop.path(out, "records.parquet"))).buffer,
        });
  const all = new Float32Array(rows.length * 1536);
  for (const [n, { id, vector }] of rows.entries()) {
    expect(id).toBe(`c-${n}`);
    all.set(vector as number[], n * 1536);
  }
  return all;
}

async function expectVectors(shop: Workshop, out: string, format: string, count = ITEMS, text = textOf) {
  const floats = await readVectors(shop, out, format);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(count, text).buffer))).toBe(
    0,
  );
}

test.each(["npy", "jsonl", "parquet"])(
  "equal texts are sent once and every item has its vector, the command killed on the way (%s)",
  async (format) => {
    await using shop = await openShop(40);
    writeTexts(shop);
    const args = ["corpus.jsonl", "--out", "out", "--format", format, "--json"];
    const dry = await shop.embed([...args, "--dry-run"]).exit;
    expect(JSON.parse(dry.stdout)).toMatchObject({
      ...{ event: "dry-run", items: ITEMS, copies: ITEMS - asked, cached: 0 },
      calls: Math.ceil(asked / 10),
    });
    const first = shop.embed(args);
    await first.event(progressed(0.2), "a fifth of the items");
    first.kill("SIGKILL");
    await first.exit;
    expect(await shop.embed(args).exit).toMatchObject({ code: 0, stderr: "" });

    await expectVectors(shop, "out", format);
    const { texts, calls } = shop.simulator.statistics();
    expect(texts).toBeGreaterThanOrEqual(asked);
    // A kill may cost the calls that were under way, no more.
    expect(texts).toBeLessThanOrEqual(asked + 10 * 2 * CONCURRENCY);
    expect(shop.manifest("out")).toMatchObject({
      items: { total: ITEMS, succeeded: ITEMS, failed: 0, missing: 0 },
      calls: { made: calls },
      reused: { copies: ITEMS - asked, cached: 0, calls: ITEMS / 10 - Math.ceil(asked / 10) },
    });
    await shop.empty();
  },
);

test("copies share their original's failure, and a retry of it brings all of them", async () => {
  await using shop = await openShop();
  writeTexts(shop, 60, (n) => (n % 6 === 1 ? "a forbidden text" : corpusText(n)));
  shop.simulator.configure({
    faults: [{ text: "forbidden", action: { type: "code", code: 1026 } }],
  });
  const args = ["corpus.jsonl", "--out", "out", "--format", "jsonl", "--workers", "1"];
  expect(await shop.embed(args).exit).toMatchObject({ code: 1 });
  expect(shop.manifest("out")).toMatchObject({
    items: { succeeded: 50, failed: 10 },
    failuresByKind: { "content-filter": 10 },
  });
  expect(readJsonl(shop.path("out", "errors.jsonl")).map(({ index }) => index)).toEqual(
    Array.from({ length: 10 }, (_, n) => n * 6 + 1),
  );
  const before = shop.simulator.statistics().texts;
  shop.simulator.configure({ faults: [] });
  expect(await shop.run(["retry", "out", "--workers", "1"])).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().texts - before).toBe(1);
  expect(shop.manifest("out")).toMatchObject({ items: { succeeded: 60, failed: 0 }, reused: { copies: 9 } });
});

test("a second run over the same texts is answered from the cache, bit for bit and for nothing", async () => {
  await using shop = await openShop();
  writeTexts(shop, 300);
  const distinct = new Set(Array.from({ length: 300 }, (_, n) => textOf(n))).size;
  const run = (out: string, ...more: string[]) =>
    shop.embed(["corpus.jsonl", "--out", out, "--format", "npy", "--json", "--workers", "1", ...more]).exit;
  expect(await run("first", "--cache")).toMatchObject({ code: 0, stderr: "" });
  const { calls } = shop.simulator.statistics();
  expect(calls).toBe(Math.ceil(distinct / 10));

  const dry = await run("second", "--cache", "--dry-run");
  expect(JSON.parse(dry.stdout)).toMatchObject({ copies: 300 - distinct, cached: distinct, calls: 0 });
  expect(await run("second", "--cache")).toMatchObject({ code: 0, stderr: "" });
  expect(shop.simulator.statistics().calls).toBe(calls);
  expect(readFileSync(shop.path("second", "vectors.npy"))).toEqual(
    readFileSync(shop.path("first", "vectors.npy")),
  );
  expect(shop.manifest("second")).toMatchObject({
    tokens: 0,
    calls: { made: 0 },
    reused: { copies: 300 - distinct, cached: distinct, calls: 30 },
  });

  // Other parameters are other questions, and without the option nothing is looked up.
  expect(await run("queries", "--cache", "--type", "query")).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().calls).toBe(2 * calls);
  expect(await run("plain")).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().calls).toBe(3 * calls);
  expect(shop.manifest("plain").reused).toMatchObject({ cached: 0 });
});

test("a run that is partly answered from the cache goes on after kill -9, and loses and repeats nothing", async () => {
  await using shop = await openShop(30);
  const half = Array.from({ length: 600 }, (_, n) =>
    JSON.stringify({ id: `h-${n}`, text: corpusText(n * 2) }),
  );
  shop.write("half.jsonl", half.join("\n"));
  expect(await shop.embed(["half.jsonl", "--out", "half", "--format", "npy", "--cache"]).exit).toMatchObject({
    code: 0,
  });
  writeTexts(shop, 1_200, corpusText);
  const before = shop.simulator.statistics().texts;
  const args = ["corpus.jsonl", "--out", "out", "--format", "npy", "--json", "--cache", "--window", "100"];
  for (const share of [0.2, 0.6]) {
    const cli = shop.embed(args);
    await cli.event(progressed(share), `${share} of the items`);
    cli.kill("SIGKILL");
    await cli.exit;
  }
  expect(await shop.embed(args).exit).toMatchObject({ code: 0, stderr: "" });
  await expectVectors(shop, "out", "npy", 1_200, corpusText);
  const { texts } = shop.simulator.statistics();
  expect(texts - before).toBeGreaterThanOrEqual(600);
  expect(texts - before).toBeLessThanOrEqual(600 + 2 * 10 * 2 * CONCURRENCY);
  const { reused, items } = shop.manifest("out");
  expect(items).toMatchObject({ succeeded: 1_200, failed: 0, missing: 0 });
  // An answer that had come and was not yet on disk when the command was killed may come from the cache as well.
  expect(reused?.cached).toBeGreaterThanOrEqual(600);
});

test("two runs over the same texts share the work between them, and one goes on when the other is killed", async () => {
  await using shop = await openShop(60);
  writeTexts(shop, 900, corpusText);
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--cache", "--window", "200", "--workers", "1"];
  const [first, second] = ["one", "two"].map((out) => shop.embed([...args, "--out", out])) as [Cli, Cli];
  await first.event(progressed(0.3), "a third of the items");
  first.kill("SIGKILL");
  await first.exit;
  expect(await second.exit).toMatchObject({ code: 0, stderr: "" });
  expect(await shop.embed([...args, "--out", "one"]).exit).toMatchObject({ code: 0, stderr: "" });
  for (const out of ["one", "two"]) await expectVectors(shop, out, "npy", 900, corpusText);
  // What the killed run had in its window may be asked again by the other one.
  expect(shop.simulator.statistics().texts).toBeLessThanOrEqual(900 + 200 + 10 * 2 * CONCURRENCY);
});

test("what is equal or in the cache takes nothing from --max-cost, and --limit counts it", async () => {
  await using shop = await openShop();
  shop.write(
    "sluice.yaml",
    "providers: { minimax: { models: { embo-01: { price: { inputPerMillionTokens: 1000, currency: CNY }, " +
      "limits: { requestsPerMinute: 100000, concurrency: 4 } } } } }\n",
  );
  writeTexts(shop, 500, (n) => corpusText(n % 40));
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--workers", "1", "--cache"];
  const dry = JSON.parse((await shop.embed([...args, "--out", "out", "--dry-run"]).exit).stdout);
  // All 500 would cost more than ten times as much.
  const cap = String(dry.cost.high * 2.5);
  expect(await shop.embed([...args, "--out", "out", "--max-cost", cap, "--limit", "400"]).exit).toMatchObject(
    {
      code: 0,
    },
  );
  const { cost, reused, items } = shop.manifest("out");
  expect(items).toMatchObject({ total: 400, succeeded: 400 });
  expect(cost?.amount).toBeLessThan(Number(cap));
  expect(reused?.cost?.amount).toBeCloseTo((cost?.amount ?? 0) * 9, 6);
  expect(await shop.embed([...args, "--out", "again", "--max-cost", "0"]).exit).toMatchObject({ code: 0 });
  expect(shop.manifest("again")).toMatchObject({
    cost: { amount: 0, currency: "CNY" },
    reused: { copies: 460, cached: 40, calls: 50 },
  });
});

/** Commands without workers of their own; one worker serves all of them. */
async function startTogether(shop: Workshop, count: number, cache: (n: number) => string[]): Promise<Cli[]> {
  const worker = shop.start(["worker"]);
  await waitFor(() => worker.stderr().includes("worker takes jobs"), { what: "the worker" });
  return Array.from({ length: count }, (_, n) =>
    shop.embed([
      ...["corpus.jsonl", "--out", `out-${n}`, "--format", "npy", "--json", "--workers", "0"],
      ...cache(n),
    ]),
  );
}

test("ten commands that ask for the same text at the same time make one call", async () => {
  await using shop = await openShop(1_500);
  writeTexts(shop, 1);
  for (const { exit } of await startTogether(shop, 10, () => ["--cache"]))
    expect(await exit).toMatchObject({ code: 0, stderr: "" });
  expect(shop.simulator.statistics()).toMatchObject({ calls: 1, texts: 1 });
  const paid = Array.from({ length: 10 }, (_, n) => shop.manifest(`out-${n}`).calls.made);
  expect(paid.reduce((a, b) => a + b)).toBe(1);
  for (let n = 0; n < 10; n++) await expectVectors(shop, `out-${n}`, "npy", 1);
});

test("commands that share a Redis and no folder share their answers while they ask", async () => {
  await using shop = await openShop(4_000);
  writeTexts(shop, 10, corpusText);
  for (const { exit } of await startTogether(shop, 3, (n) => ["--cache", `cache-${n}`]))
    expect(await exit).toMatchObject({ code: 0, stderr: "" });
  expect(shop.simulator.statistics()).toMatchObject({ calls: 1, texts: 10 });
  for (let n = 0; n < 3; n++) await expectVectors(shop, `out-${n}`, "npy", 10, corpusText);
});

test("when the command that asks is killed, the next one takes over", async () => {
  await using shop = await openShop(600_000);
  writeTexts(shop, 10, corpusText);
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--workers", "1", "--cache"];
  const first = shop.embed([...args, "--out", "first"]);
  await waitFor(() => shop.simulator.statistics().calls === 1, { what: "the call of the first command" });
  const second = shop.embed([...args, "--out", "second"]);
  await second.event(({ event }) => event === "run-start", "the second command's start");
  const ticks = () => second.events().filter(({ event }) => event === "progress").length;
  await waitFor(() => ticks() >= 3, { what: "the second command to wait" });
  expect(shop.simulator.statistics().calls).toBe(1);
  shop.simulator.configure({ latency: { fixedMs: 0 } });
  first.killGroup("SIGKILL");
  for (const { pid } of first.workers()) killQuietly(pid, "SIGKILL");
  expect(await second.exit).toMatchObject({ code: 0 });
  await expectVectors(shop, "second", "npy", 10, corpusText);
  expect(shop.manifest("second")).toMatchObject({ items: { succeeded: 10 } });
});

function requestLine(n: number, url: string, body: object): string {
  return JSON.stringify({ custom_id: `q-${n}`, method: "POST", url, body });
}

function runBatch(shop: Workshop, out: string, ...more: string[]) {
  return shop.run(["batch", "requests.jsonl", "--out", out, "--json", "--workers", "1", ...more], {
    env: { ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY, ZHIPU_BASE_URL: shop.simulator.zhipuUrl },
  });
}

test("equal chat requests are asked once where their answer is meant to be the same, and each time where not", async () => {
  await using shop = await openShop();
  const lines = Array.from({ length: 24 }, (_, n) => {
    const more = n < 8 ? { temperature: 0 } : n < 16 ? { temperature: 1, seed: 3 } : { temperature: 1 };
    const messages = [{ role: "user", content: `question ${n % 2}` }];
    return requestLine(n, "/v1/chat/completions", { model: "zhipu/glm-4-plus", messages, ...more });
  });
  shop.write("requests.jsonl", lines.join("\n"));
  const { stdout } = await runBatch(shop, "out", "--dry-run");
  expect(JSON.parse(stdout)).toMatchObject({ requests: 24, copies: 12, calls: 12 });
  expect(await runBatch(shop, "out", "--cache")).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().calls).toBe(12);
  const output = readJsonl(shop.path("out", "output.jsonl"));
  expect(output.map(({ custom_id }) => custom_id)).toEqual(lines.map((_, n) => `q-${n}`));
  const content = (n: number) =>
    JSON.stringify((output[n] as { response?: { body: { choices: unknown } } }).response?.body.choices);
  for (let n = 2; n < 24; n++) expect(content(n)).toBe(content(n % 2));
  expect(shop.manifest("out")).toMatchObject({ reused: { copies: 12, cached: 0, calls: 12 } });

  expect(await runBatch(shop, "again", "--cache")).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().calls).toBe(12 + 8);
  expect(shop.manifest("again")).toMatchObject({ reused: { copies: 12, cached: 4, calls: 16 } });
  const [before, after] = ["out", "again"].map((out) => shop.manifest(out));
  // What was saved is what the same answers had cost.
  expect(after?.reused?.tokens).toBeGreaterThan(before?.reused?.tokens ?? 0);
  expect((after?.tokens ?? 0) + (after?.reused?.tokens ?? 0)).toBe(
    (before?.tokens ?? 0) + (before?.reused?.tokens ?? 0),
  );
});

test("texts that are equal in many requests for embeddings are sent once", async () => {
  await using shop = await openShop();
  const input = (n: number) => ["shared", `own ${n}`, "shared", `pair ${n >> 1}`];
  const lines = Array.from({ length: 30 }, (_, n) =>
    requestLine(n, "/v1/embeddings", { model: "minimax/embo-01", input: input(n) }),
  );
  shop.write("requests.jsonl", lines.join("\n"));
  const distinct = new Set(lines.flatMap((_, n) => input(n))).size;
  expect(await runBatch(shop, "out")).toMatchObject({ code: 0 });
  expect(shop.simulator.statistics().texts).toBe(distinct);
  const vectors = expectedVectors(1, () => "shared");
  for (const line of readJsonl(shop.path("out", "output.jsonl"))) {
    const { data } = (line.response as { body: { data: { embedding: number[] }[] } }).body;
    expect(data).toHaveLength(4);
    expect(Float32Array.from(data[0]?.embedding ?? [])).toEqual(vectors);
    expect(data[2]?.embedding).toEqual(data[0]?.embedding);
  }
  expect(shop.manifest("out")).toMatchObject({
    items: { total: 120, succeeded: 120 },
    reused: { copies: 120 - distinct },
  });
});
