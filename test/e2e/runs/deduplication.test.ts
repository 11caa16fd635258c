import { readFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { SIMULATOR_ZHIPU_KEY } from "#src/simulator/simulator.ts";
import { type CliProcess, CliSandbox, hasProgressedTo, killIfRunning } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, expectedVectors } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_200;
const DISTINCT = 500;
const CONCURRENCY = 4;
/** Equal texts are adjacent, far apart, or both. */
const textOf = (n: number) => buildCorpusText(n % 7 === 0 ? 0 : n % DISTINCT);
const asked = new Set(Array.from({ length: ITEMS }, (_, n) => textOf(n))).size;

function openSandbox(): Promise<CliSandbox> {
  return CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: CONCURRENCY } });
}

/** Resolves when the command has reported its progress several times, while another command's call is held. */
async function waitUntilWaiting(cli: CliProcess): Promise<void> {
  const ticks = () => cli.events().filter(({ event }) => event === "progress").length;
  await cli.event(() => ticks() >= 3, "three reports of its progress");
}

function writeTexts(sandbox: CliSandbox, count = ITEMS, text: (n: number) => string = textOf): void {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ id: `c-${n}`, text: text(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
}

async function readVectors(sandbox: CliSandbox, out: string, format: string): Promise<Float32Array> {
  if (format === "npy") return readNpy(sandbox.path(out, "vectors.npy")).floats;
  const rows =
    format === "jsonl"
      ? readJsonl(sandbox.path(out, "records.jsonl"))
      : await parquetReadObjects({
          file: new Uint8Array(readFileSync(sandbox.path(out, "records.parquet"))).buffer,
        });
  const all = new Float32Array(rows.length * 1536);
  for (const [n, { id, vector }] of rows.entries()) {
    expect(id).toBe(`c-${n}`);
    all.set(vector as number[], n * 1536);
  }
  return all;
}

async function expectVectors(sandbox: CliSandbox, out: string, format: string, count = ITEMS, text = textOf) {
  const floats = await readVectors(sandbox, out, format);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(count, text).buffer))).toBe(0);
}

test.each(["npy", "jsonl", "parquet"])(
  "equal texts are sent once and every item has its vector, the command killed on the way (%s)",
  async (format) => {
    await using sandbox = await openSandbox();
    writeTexts(sandbox);
    const args = ["corpus.jsonl", "--out", "out", "--format", format, "--json"];
    const dry = await sandbox.embed([...args, "--dry-run"]).exit;
    expect(JSON.parse(dry.stdout)).toMatchObject({
      ...{ event: "dry-run", items: ITEMS, copies: ITEMS - asked, cached: 0 },
      calls: Math.ceil(asked / 10),
    });
    const release = sandbox.simulator.hold(30);
    const first = sandbox.embed(args);
    await first.event(hasProgressedTo(0.2), "a fifth of the items");
    first.kill("SIGKILL");
    await first.exit;
    release();
    expect(await sandbox.embed(args).exit).toMatchObject({ code: 0, stderr: "" });

    await expectVectors(sandbox, "out", format);
    const { texts, calls } = sandbox.simulator.statistics();
    expect(texts).toBeGreaterThanOrEqual(asked);
    // A kill costs at most the calls in flight.
    expect(texts).toBeLessThanOrEqual(asked + 10 * 2 * CONCURRENCY);
    expect(sandbox.manifest("out")).toMatchObject({
      items: { total: ITEMS, succeeded: ITEMS, failed: 0, missing: 0 },
      calls: { made: calls },
      reused: { copies: ITEMS - asked, cached: 0, calls: ITEMS / 10 - Math.ceil(asked / 10) },
    });
    await sandbox.waitUntilNoProcesses();
  },
);

test("duplicates share the failure of their original, and a retry succeeds for all of them", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 60, (n) => (n % 6 === 1 ? "a forbidden text" : buildCorpusText(n)));
  sandbox.simulator.configure({
    faults: [{ text: "forbidden", action: { type: "code", code: 1026 } }],
  });
  const args = ["corpus.jsonl", "--out", "out", "--format", "jsonl", "--workers", "1"];
  expect(await sandbox.embed(args).exit).toMatchObject({ code: 1 });
  expect(sandbox.manifest("out")).toMatchObject({
    items: { succeeded: 50, failed: 10 },
    failuresByKind: { "content-filter": 10 },
  });
  expect(readJsonl(sandbox.path("out", "errors.jsonl")).map(({ index }) => index)).toEqual(
    Array.from({ length: 10 }, (_, n) => n * 6 + 1),
  );
  const before = sandbox.simulator.statistics().texts;
  sandbox.simulator.configure({ faults: [] });
  expect(await sandbox.run(["retry", "out", "--workers", "1"])).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().texts - before).toBe(1);
  expect(sandbox.manifest("out")).toMatchObject({
    items: { succeeded: 60, failed: 0 },
    reused: { copies: 9 },
  });
});

test("a second run over the same texts is answered from the cache, bit for bit and free of charge", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 300);
  const distinct = new Set(Array.from({ length: 300 }, (_, n) => textOf(n))).size;
  const run = (out: string, ...more: string[]) =>
    sandbox.embed(["corpus.jsonl", "--out", out, "--format", "npy", "--json", "--workers", "1", ...more]).exit;
  expect(await run("first", "--cache")).toMatchObject({ code: 0, stderr: "" });
  const { calls } = sandbox.simulator.statistics();
  expect(calls).toBe(Math.ceil(distinct / 10));

  const dry = await run("second", "--cache", "--dry-run");
  expect(JSON.parse(dry.stdout)).toMatchObject({ copies: 300 - distinct, cached: distinct, calls: 0 });
  expect(await run("second", "--cache")).toMatchObject({ code: 0, stderr: "" });
  expect(sandbox.simulator.statistics().calls).toBe(calls);
  expect(readFileSync(sandbox.path("second", "vectors.npy"))).toEqual(
    readFileSync(sandbox.path("first", "vectors.npy")),
  );
  expect(sandbox.manifest("second")).toMatchObject({
    tokens: 0,
    calls: { made: 0 },
    reused: { copies: 300 - distinct, cached: distinct, calls: 30 },
  });

  // Different parameters are different requests, and without the option the cache is not used.
  expect(await run("queries", "--cache", "--type", "query")).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls).toBe(2 * calls);
  expect(await run("plain")).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls).toBe(3 * calls);
  expect(sandbox.manifest("plain").reused).toMatchObject({ cached: 0 });
});

test("a run that is partly answered from the cache resumes after kill -9, and loses and repeats nothing", async () => {
  await using sandbox = await openSandbox();
  const half = Array.from({ length: 600 }, (_, n) => JSON.stringify({ id: `h-${n}`, text: buildCorpusText(n * 2) }));
  sandbox.write("half.jsonl", half.join("\n"));
  expect(await sandbox.embed(["half.jsonl", "--out", "half", "--format", "npy", "--cache"]).exit).toMatchObject({
    code: 0,
  });
  writeTexts(sandbox, 1_200, buildCorpusText);
  const before = sandbox.simulator.statistics().texts;
  const args = ["corpus.jsonl", "--out", "out", "--format", "npy", "--json", "--cache", "--window", "100"];
  for (const share of [0.2, 0.6]) {
    const release = sandbox.simulator.hold(25);
    const cli = sandbox.embed(args);
    await cli.event(hasProgressedTo(share), `${share} of the items`);
    cli.kill("SIGKILL");
    await cli.exit;
    release();
  }
  expect(await sandbox.embed(args).exit).toMatchObject({ code: 0, stderr: "" });
  await expectVectors(sandbox, "out", "npy", 1_200, buildCorpusText);
  const { texts } = sandbox.simulator.statistics();
  expect(texts - before).toBeGreaterThanOrEqual(600);
  expect(texts - before).toBeLessThanOrEqual(600 + 2 * 10 * 2 * CONCURRENCY);
  const { reused, items } = sandbox.manifest("out");
  expect(items).toMatchObject({ succeeded: 1_200, failed: 0, missing: 0 });
  // An answer that was received but not on disk when the command was killed may also come from the cache.
  expect(reused?.cached).toBeGreaterThanOrEqual(600);
});

test("two runs over the same texts share the work, and one continues when the other is killed", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 900, buildCorpusText);
  const release = sandbox.simulator.hold(45);
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--cache", "--window", "200", "--workers", "1"];
  const [first, second] = ["one", "two"].map((out) => sandbox.embed([...args, "--out", out])) as [
    CliProcess,
    CliProcess,
  ];
  await first.event(hasProgressedTo(0.3), "a third of the items");
  first.kill("SIGKILL");
  await first.exit;
  release();
  expect(await second.exit).toMatchObject({ code: 0, stderr: "" });
  expect(await sandbox.embed([...args, "--out", "one"]).exit).toMatchObject({ code: 0, stderr: "" });
  for (const out of ["one", "two"]) await expectVectors(sandbox, out, "npy", 900, buildCorpusText);
  // The other run may request the items in the killed run's window again.
  expect(sandbox.simulator.statistics().texts).toBeLessThanOrEqual(900 + 200 + 10 * 2 * CONCURRENCY);
});

test("duplicates and cached items do not count against --max-cost, but do count for --limit", async () => {
  await using sandbox = await openSandbox();
  sandbox.write(
    "sluice.yaml",
    "providers: { minimax: { models: { embo-01: { price: { inputPerMillionTokens: 1000, currency: CNY }, " +
      "limits: { requestsPerMinute: 100000, concurrency: 4 } } } } }\n",
  );
  writeTexts(sandbox, 500, (n) => buildCorpusText(n % 40));
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--workers", "1", "--cache"];
  const dry = JSON.parse((await sandbox.embed([...args, "--out", "out", "--dry-run"]).exit).stdout);
  // All 500 would cost more than ten times as much.
  const cap = String(dry.cost.high * 2.5);
  expect(await sandbox.embed([...args, "--out", "out", "--max-cost", cap, "--limit", "400"]).exit).toMatchObject({
    code: 0,
  });
  const { cost, reused, items } = sandbox.manifest("out");
  expect(items).toMatchObject({ total: 400, succeeded: 400 });
  expect(cost?.amount).toBeLessThan(Number(cap));
  expect(reused?.cost?.amount).toBeCloseTo((cost?.amount ?? 0) * 9, 6);
  expect(await sandbox.embed([...args, "--out", "again", "--max-cost", "0"]).exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("again")).toMatchObject({
    cost: { amount: 0, currency: "CNY" },
    reused: { copies: 460, cached: 40, calls: 50 },
  });
});

/** Starts commands without workers; one separate worker serves all of them. */
async function startCommands(
  sandbox: CliSandbox,
  count: number,
  cache: (n: number) => string[],
): Promise<CliProcess[]> {
  const worker = sandbox.start(["worker"]);
  await waitFor(() => worker.stderr().includes("worker takes jobs"), { what: "the worker" });
  return Array.from({ length: count }, (_, n) =>
    sandbox.embed([
      ...["corpus.jsonl", "--out", `out-${n}`, "--format", "npy", "--json", "--workers", "0"],
      ...cache(n),
    ]),
  );
}

test("ten commands that request the same text at the same time make one call", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 1);
  const release = sandbox.simulator.hold();
  const commands = await startCommands(sandbox, 10, () => ["--cache"]);
  await Promise.all(commands.map(waitUntilWaiting));
  release();
  for (const { exit } of commands) expect(await exit).toMatchObject({ code: 0, stderr: "" });
  expect(sandbox.simulator.statistics()).toMatchObject({ calls: 1, texts: 1 });
  const paid = Array.from({ length: 10 }, (_, n) => sandbox.manifest(`out-${n}`).calls.made);
  expect(paid.reduce((a, b) => a + b)).toBe(1);
  for (let n = 0; n < 10; n++) await expectVectors(sandbox, `out-${n}`, "npy", 1);
});

test("commands that share only a Redis share their answers while they run", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 10, buildCorpusText);
  const release = sandbox.simulator.hold();
  const commands = await startCommands(sandbox, 3, (n) => ["--cache", `cache-${n}`]);
  await Promise.all(commands.map(waitUntilWaiting));
  release();
  for (const { exit } of commands) expect(await exit).toMatchObject({ code: 0, stderr: "" });
  expect(sandbox.simulator.statistics()).toMatchObject({ calls: 1, texts: 10 });
  for (let n = 0; n < 3; n++) await expectVectors(sandbox, `out-${n}`, "npy", 10, buildCorpusText);
});

test("when the command that makes the call is killed, the next one takes over", async () => {
  await using sandbox = await openSandbox();
  writeTexts(sandbox, 10, buildCorpusText);
  const release = sandbox.simulator.hold();
  const args = ["corpus.jsonl", "--format", "npy", "--json", "--workers", "1", "--cache"];
  const first = sandbox.embed([...args, "--out", "first"]);
  await waitFor(() => sandbox.simulator.statistics().calls === 1, { what: "the call of the first command" });
  const second = sandbox.embed([...args, "--out", "second"]);
  await waitUntilWaiting(second);
  expect(sandbox.simulator.statistics().calls).toBe(1);
  for (const { pid } of first.workers()) killIfRunning(pid, "SIGKILL");
  first.killGroup("SIGKILL");
  await first.exit;
  release();
  expect(await second.exit).toMatchObject({ code: 0 });
  await expectVectors(sandbox, "second", "npy", 10, buildCorpusText);
  expect(sandbox.manifest("second")).toMatchObject({ items: { succeeded: 10 } });
});

function requestLine(n: number, url: string, body: object): string {
  return JSON.stringify({ custom_id: `q-${n}`, method: "POST", url, body });
}

function runBatch(sandbox: CliSandbox, out: string, ...more: string[]) {
  return sandbox.run(["batch", "requests.jsonl", "--out", out, "--json", "--workers", "1", ...more], {
    env: { ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY, ZHIPU_BASE_URL: sandbox.simulator.zhipuUrl },
  });
}

test("equal chat requests are sent once if their answer is deterministic, and each time otherwise", async () => {
  await using sandbox = await openSandbox();
  const lines = Array.from({ length: 24 }, (_, n) => {
    const more = n < 8 ? { temperature: 0 } : n < 16 ? { temperature: 1, seed: 3 } : { temperature: 1 };
    const messages = [{ role: "user", content: `question ${n % 2}` }];
    return requestLine(n, "/v1/chat/completions", { model: "zhipu/glm-4-plus", messages, ...more });
  });
  sandbox.write("requests.jsonl", lines.join("\n"));
  const { stdout } = await runBatch(sandbox, "out", "--dry-run");
  expect(JSON.parse(stdout)).toMatchObject({ requests: 24, copies: 12, calls: 12 });
  expect(await runBatch(sandbox, "out", "--cache")).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls).toBe(12);
  const output = readJsonl(sandbox.path("out", "output.jsonl"));
  expect(output.map(({ custom_id }) => custom_id)).toEqual(lines.map((_, n) => `q-${n}`));
  const content = (n: number) =>
    JSON.stringify((output[n] as { response?: { body: { choices: unknown } } }).response?.body.choices);
  for (let n = 2; n < 24; n++) expect(content(n)).toBe(content(n % 2));
  expect(sandbox.manifest("out")).toMatchObject({ reused: { copies: 12, cached: 0, calls: 12 } });

  expect(await runBatch(sandbox, "again", "--cache")).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls).toBe(12 + 8);
  expect(sandbox.manifest("again")).toMatchObject({ reused: { copies: 12, cached: 4, calls: 16 } });
  const [before, after] = ["out", "again"].map((out) => sandbox.manifest(out));
  // The savings equal the cost of the same answers.
  expect(after?.reused?.tokens).toBeGreaterThan(before?.reused?.tokens ?? 0);
  expect((after?.tokens ?? 0) + (after?.reused?.tokens ?? 0)).toBe(
    (before?.tokens ?? 0) + (before?.reused?.tokens ?? 0),
  );
});

test("texts that are equal in many requests for embeddings are sent once", async () => {
  await using sandbox = await openSandbox();
  const input = (n: number) => ["shared", `own ${n}`, "shared", `pair ${n >> 1}`];
  const lines = Array.from({ length: 30 }, (_, n) =>
    requestLine(n, "/v1/embeddings", { model: "minimax/embo-01", input: input(n) }),
  );
  sandbox.write("requests.jsonl", lines.join("\n"));
  const distinct = new Set(lines.flatMap((_, n) => input(n))).size;
  expect(await runBatch(sandbox, "out")).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().texts).toBe(distinct);
  const vectors = expectedVectors(1, () => "shared");
  for (const line of readJsonl(sandbox.path("out", "output.jsonl"))) {
    const { data } = (line.response as { body: { data: { embedding: number[] }[] } }).body;
    expect(data).toHaveLength(4);
    expect(Float32Array.from(data[0]?.embedding ?? [])).toEqual(vectors);
    expect(data[2]?.embedding).toEqual(data[0]?.embedding);
  }
  expect(sandbox.manifest("out")).toMatchObject({
    items: { total: 120, succeeded: 120 },
    reused: { copies: 120 - distinct },
  });
});
