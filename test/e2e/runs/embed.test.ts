import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import "#test/support/redis/global-redis.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";

const ITEMS = 3_000;
let sandbox: CliSandbox;

beforeAll(async () => {
  sandbox = await CliSandbox.open({ latency: { fixedMs: 5 } });
  writeCorpus(sandbox, ITEMS);
});

afterAll(() => sandbox[Symbol.asyncDispose]());

test("a corpus of several files is embedded completely, in order, and in full calls", async () => {
  const cli = sandbox.embed(["corpus", "--out", "npy", "--format", "npy", "--json"]);
  const { code, stderr } = await cli.exit;
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const { shape, floats } = readNpy(sandbox.path("npy", "vectors.npy"));
  expect(shape).toEqual([ITEMS, 1536]);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
  const items = readJsonl(sandbox.path("npy", "items.jsonl"));
  expect(items.map((item) => item.id)).toEqual(Array.from({ length: ITEMS }, (_, n) => `c-${n}`));
  const { calls, texts } = sandbox.simulator.statistics();
  expect(texts).toBe(ITEMS);
  expect(texts / (calls * 10)).toBeGreaterThanOrEqual(0.98);
  const manifest = sandbox.manifest("npy");
  expect(manifest).toMatchObject({
    state: "finished",
    items: { total: ITEMS, succeeded: ITEMS, failed: 0, missing: 0 },
    calls: { made: calls, answered: calls, failed: 0, throttled: 0, paidTwice: 0 },
    tokens: sandbox.simulator.statistics().tokens,
  });
  const events = cli.events();
  expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(["run-start", "progress", "run-end"]));
  expect(events.at(-1)).toMatchObject({ event: "run-end", outcome: "finished" });
  expect(existsSync(sandbox.path("npy", ".work"))).toBe(false);
  await sandbox.waitUntilNoProcesses();
});

test("a finished run reports that it is finished and does nothing", async () => {
  const before = sandbox.simulator.statistics().calls;
  const bytes = readFileSync(sandbox.path("npy", "run.json"));
  const { code, stderr } = await sandbox.embed(["corpus", "--out", "npy", "--format", "npy"]).exit;
  expect(stderr).toContain("already finished");
  expect(code).toBe(0);
  expect(sandbox.simulator.statistics().calls).toBe(before);
  expect(readFileSync(sandbox.path("npy", "run.json"))).toEqual(bytes);
  const rerun = sandbox.embed(["corpus", "--out", "npy", "--format", "npy", "--json"]);
  expect((await rerun.exit).code).toBe(0);
  expect(rerun.events()).toMatchObject([{ event: "run-end", outcome: "finished", report: JSON.parse(`${bytes}`) }]);
});

test("the folder of another run is rejected, and replaced with --force", async () => {
  const before = sandbox.simulator.statistics().calls;
  const other = ["corpus/part-0.jsonl", "--out", "npy", "--format", "jsonl", "--limit", "20"];
  const rejected = await sandbox.embed(other).exit;
  expect(rejected.code).toBe(2);
  expect(rejected.stderr).toContain("contains another run");
  expect(rejected.stderr).toContain("--force");
  expect(existsSync(sandbox.path("npy", "vectors.npy"))).toBe(true);
  expect(sandbox.simulator.statistics().calls).toBe(before);

  expect(await sandbox.embed([...other, "--force"]).exit).toMatchObject({ code: 0 });
  expect(existsSync(sandbox.path("npy", "vectors.npy"))).toBe(false);
  expect(readJsonl(sandbox.path("npy", "records.jsonl"))).toHaveLength(20);
});

test("a folder with foreign files is rejected even with --force", async () => {
  sandbox.write("mine/thesis.txt", "precious");
  const { code, stderr } = await sandbox.embed(["corpus", "--out", "mine", "--force"]).exit;
  expect(code).toBe(2);
  expect(stderr).toContain("thesis.txt");
  expect(readFileSync(sandbox.path("mine/thesis.txt"), "utf8")).toBe("precious");
});

test("JSONL on stdin becomes records.jsonl with text and metadata, with a Redis given by URL", async () => {
  const lines = Array.from({ length: 25 }, (_, n) => JSON.stringify({ id: n, text: buildCorpusText(n), lang: "zz" }));
  const { code, stderr } = await sandbox.embed(["-", "--out", "stdin", "--format", "jsonl", "--with-text"], {
    stdin: `${lines.join("\n")}\n`,
    env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: `e2e-stdin-${process.pid}` },
  }).exit;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const records = readJsonl(sandbox.path("stdin", "records.jsonl"));
  const vectors = expectedVectors(25);
  expect(records).toHaveLength(25);
  for (const [n, record] of records.entries()) {
    expect(record).toMatchObject({
      id: String(n),
      index: n,
      status: "ok",
      text: buildCorpusText(n),
      metadata: { lang: "zz" },
    });
    expect(Float32Array.from(record.vector as number[])).toEqual(vectors.subarray(n * 1536, (n + 1) * 1536));
  }
  expect(existsSync(sandbox.path(".sluice", "redis", "server.json"))).toBe(false);

  const again = await sandbox.embed(["-", "--out", "stdin", "--format", "jsonl"], {
    stdin: '{"id":"new","text":"something else"}\n',
  }).exit;
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("Stdin was not read") });
});

test("documents in English and Chinese become Parquet with chunks of limited size", async () => {
  const markdown = Array.from(
    { length: 60 },
    (_, n) => `## Part ${n}\n\n${buildCorpusText(n)} ${buildCorpusText(n + 500)}\n`,
  );
  sandbox.write("docs/guide.md", `# Guide\n\n${markdown.join("\n")}`);
  sandbox.write(
    "docs/page.html",
    `<html><body><h1>Page</h1><p>${buildCorpusText(7)}</p><script>x()</script></body></html>`,
  );
  sandbox.write("docs/note.txt", buildCorpusText(9));
  const { code, stderr } = await sandbox.embed([
    ...["docs", "--out", "parquet", "--with-text", "--chunk-tokens", "120", "--chunk-overlap", "20"],
  ]).exit;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const file = readFileSync(sandbox.path("parquet", "records.parquet"));
  const rows = await parquetReadObjects({ file: new Uint8Array(file).buffer });
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.length).toBe(sandbox.manifest("parquet").items.total);
  const vectors = expectedVectors(rows.length, (n) => String(rows[n]?.text));
  for (const [n, row] of rows.entries()) {
    expect(Number(row.index)).toBe(n);
    expect(Float32Array.from(row.vector as number[])).toEqual(vectors.subarray(n * 1536, (n + 1) * 1536));
  }
  expect(rows.some((row) => String(row.text).includes("x()"))).toBe(false);
});

test("--dry-run counts and sends nothing, without a key and without Redis", async () => {
  const before = sandbox.simulator.statistics().calls;
  const env = { MINIMAX_API_KEY: undefined, SLUICE_REDIS_SERVER: "/nowhere/redis-server" };
  const plain = await sandbox.embed(["corpus", "--out", "dry", "--dry-run"], { env }).exit;
  expect(plain).toMatchObject({ code: 0, stderr: "" });
  expect(plain.stdout).toMatch(/items +3,000 /);
  expect(plain.stdout).toMatch(/calls +300 /);
  expect(plain.stdout).toContain("Nothing was sent");
  const json = await sandbox.embed(["corpus", "--out", "dry", "--dry-run", "--json"], { env }).exit;
  expect(JSON.parse(json.stdout)).toMatchObject({
    event: "dry-run",
    items: 3_000,
    calls: 300,
    maxInputs: 10,
  });
  expect(existsSync(sandbox.path("dry"))).toBe(false);
  expect(sandbox.simulator.statistics().calls).toBe(before);
});

test("changed input is rejected as another run", async () => {
  const path = sandbox.write("one.jsonl", '{"id":"a","text":"first"}\n');
  expect(await sandbox.embed(["one.jsonl", "--out", "changed"]).exit).toMatchObject({ code: 0 });
  writeFileSync(path, '{"id":"a","text":"second"}\n');
  const { code, stderr } = await sandbox.embed(["one.jsonl", "--out", "changed"]).exit;
  expect(code).toBe(2);
  expect(stderr).toContain("contains another run");
});
