import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answerPrompt } from "#src/simulator/chat/answer-prompt.ts";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ITEMS = 300;
const DISTINCT = 250;
const FILTERED = [7, 130, 131];
const BROKEN = [200];
const ARGS = ["corpus.jsonl", "--out", "out", "--format", "jsonl", "--json"];
const REQUEST = { method: "POST", url: "/v1/chat/completions" };
const filter = { text: "forbidden", action: { type: "code", code: 1026 } } as const;
const reject = { text: "broken", action: { type: "code", code: 2013 } } as const;
let sandbox: CliSandbox;

function textOf(n: number): string {
  const suffix = FILTERED.includes(n) ? " forbidden" : BROKEN.includes(n) ? " broken" : "";
  return `${buildCorpusText(n % DISTINCT)}${suffix}`;
}

beforeEach(async () => {
  sandbox = await CliSandbox.open();
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: textOf(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

function query(sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(sandbox.path("out", "run.db"), { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

const countByStatus = () => query("SELECT status, count(*) AS count FROM results GROUP BY status ORDER BY status");
const listFolder = () => readdirSync(sandbox.path("out")).toSorted();

test("--keep-db keeps the database as one file with every record, and nothing else of the run's own files", async () => {
  expect(await sandbox.embed([...ARGS, "--keep-db"]).exit).toMatchObject({ code: 0, stderr: "" });
  expect(listFolder()).toEqual(["digests.bin", "records.jsonl", "run.db", "run.json"]);
  expect(countByStatus()).toEqual([{ status: "ok", count: ITEMS }]);
  const rows = query('SELECT id, text, duplicate_of, attempts FROM results ORDER BY "index"');
  for (const [n, row] of rows.entries()) {
    const original = n >= DISTINCT ? n - DISTINCT : null;
    // The text of the originals of some items differs from theirs.
    const duplicateOf = original !== null && textOf(original) === textOf(n) ? original : null;
    expect(row).toEqual({
      id: `c-${n}`,
      text: textOf(n),
      duplicate_of: duplicateOf,
      attempts: duplicateOf === null ? 1 : 0,
    });
  }
});

test("without --keep-db, neither the database nor the work folder remains", async () => {
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0, stderr: "" });
  expect(listFolder()).toEqual(["digests.bin", "records.jsonl", "run.json"]);
});

test("a run with failures keeps its database for any number of retries", async () => {
  sandbox.simulator.configure({ faults: [filter, reject] });
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 1 });
  const remaining = [".work", "digests.bin", "errors.jsonl", "records.jsonl", "run.db", "run.json"];
  expect(listFolder()).toEqual(remaining);
  expect(countByStatus()).toEqual([
    { status: "failed", count: 4 },
    { status: "ok", count: ITEMS - 4 },
  ]);
  const causes = query("SELECT DISTINCT cause, kind FROM records WHERE status = 'failed' ORDER BY kind");
  expect(causes.map(({ kind }) => kind)).toEqual(["content-filter", "invalid-request"]);

  const texts = () => sandbox.simulator.statistics().texts;
  const { calls } = sandbox.simulator.statistics();
  const byKind = await sandbox.run(["retry", "out", "--kind", "content-filter", "--workers", "1"]);
  expect(byKind.code).toBe(1);
  expect(sandbox.simulator.statistics().calls).toBeGreaterThan(calls);
  expect(countByStatus()[0]).toEqual({ status: "failed", count: 4 });
  expect(listFolder()).toEqual(remaining);

  sandbox.simulator.configure({ faults: [reject] });
  let before = texts();
  const byCause = await sandbox.run(["retry", "out", "--cause", String(causes[0]?.cause), "--workers", "1"]);
  expect([byCause.code, texts() - before]).toEqual([1, 3]);
  expect(countByStatus()).toEqual([
    { status: "failed", count: 1 },
    { status: "ok", count: ITEMS - 1 },
  ]);

  sandbox.simulator.configure({ faults: [] });
  before = texts();
  const rest = await sandbox.run(["retry", "out", "--workers", "1"]);
  expect([rest.code, texts() - before]).toEqual([0, 1]);
  expect(listFolder()).toEqual(["digests.bin", "records.jsonl", "run.json"]);
  expect(readJsonl(sandbox.path("out", "records.jsonl")).map(({ id }) => id)).toEqual(
    Array.from({ length: ITEMS }, (_, n) => `c-${n}`),
  );
});

test("failed attempts are in the database with lane, worker and timing, also those that succeeded later", async () => {
  const startedAt = Date.now();
  sandbox.simulator.configure({
    faults: [
      { calls: 3, action: { type: "status", status: 500 } },
      { calls: 2, action: { type: "status", status: 429 } },
      filter,
    ],
  });
  expect((await sandbox.embed([...ARGS, "--keep-db"]).exit).code).toBeLessThanOrEqual(1);
  const { failed } = sandbox.manifest("out").calls;
  const attempts = query("SELECT * FROM attempts WHERE outcome = 'failed'");
  expect(new Set(attempts.map(({ kind }) => kind))).toEqual(new Set(["server", "throttled", "content-filter"]));
  const calls = query("SELECT DISTINCT entry FROM failed_attempts");
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.length).toBeLessThanOrEqual(failed);
  for (const attempt of attempts) {
    expect(attempt).toMatchObject({ lane: "minimax/embo-01", worker: expect.any(String), message: expect.any(String) });
    expect(Number(attempt.started_at)).toBeGreaterThanOrEqual(startedAt - 1_000);
    expect(Number(attempt.duration_ms)).toBeGreaterThanOrEqual(0);
  }
  const succeeded = query("SELECT count(*) AS count FROM attempts WHERE outcome = 'succeeded' AND lane IS NOT NULL");
  expect(succeeded).toEqual(query("SELECT count(*) AS count FROM records WHERE status = 'ok' AND attempts > 0"));
});

test("a cancelled run keeps a database in which the remaining items are cancelled", async () => {
  sandbox.writeLimits({ requestsPerMinute: 100_000, concurrency: 1 });
  const release = sandbox.simulator.hold(5);
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.1), "a tenth of the items");
  await sandbox.run(["cancel", "out"]);
  // Longer than the interval at which workers check the state of the run, for all remaining calls together.
  sandbox.simulator.configure({ latency: { fixedMs: 150 } });
  release();
  expect(await cli.exit).toMatchObject({ code: 1 });
  const [row] = query("SELECT count(*) AS count FROM results WHERE kind = 'cancelled'");
  expect(row?.count).toBe(sandbox.manifest("out").failuresByKind.cancelled);
  expect(query("SELECT count(*) AS count FROM results")).toEqual([{ count: ITEMS }]);
});

test("a second command in the folder is refused, and does not disturb the first one", async () => {
  const release = sandbox.simulator.hold();
  const first = sandbox.embed(ARGS);
  await first.event(({ event }) => event === "run-start", "its start");
  for (const args of [
    ["embed", ...ARGS, "--model", "minimax/embo-01"],
    ["embed", ...ARGS, "--model", "minimax/embo-01", "--force"],
  ]) {
    const { code, stderr } = await sandbox.run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("is in use by process") });
  }
  release();
  expect(await first.exit).toMatchObject({ code: 0, stderr: "" });
  expect(sandbox.simulator.statistics().texts).toBe(sandbox.manifest("out").items.total - countDuplicates());
});

function countDuplicates(): number {
  return Array.from({ length: ITEMS - DISTINCT }, (_, n) => n).filter((n) => textOf(n) === textOf(n + DISTINCT)).length;
}

test("a full disk stops a run of chats with a clear message, and it resumes without paying again", async ({ skip }) => {
  const disk = sandbox.path("disk");
  mkdirSync(disk);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=500k", "tmpfs", disk]).status !== 0) skip();
  try {
    const questions = Array.from({ length: 400 }, (_, n) => `${n} ${buildCorpusText(n)}`);
    const lines = questions.map((content, n) =>
      JSON.stringify({ custom_id: `q-${n}`, ...REQUEST, body: { messages: [{ role: "user", content }] } }),
    );
    sandbox.write("requests.jsonl", lines.join("\n"));
    sandbox.write(
      "sluice.yaml",
      "providers: { minimax: { models: { MiniMax-M2: { limits: { requestsPerMinute: 100000, tokensPerMinute: 100000000, concurrency: 16 } } } } }",
    );
    const args = ["batch", "requests.jsonl", "--model", "minimax/MiniMax-M2", "--out", "disk/out", "--workers", "1"];
    const { code, stderr } = await sandbox.run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/disk is full.*\n +Free some space/) });
    expect(sandbox.simulator.statistics().calls).toBeGreaterThan(0);
    spawnSync("mount", ["-o", "remount,size=64m", disk]);
    expect(await sandbox.run(args)).toMatchObject({ code: 0 });
    const answers = readJsonl(sandbox.path("disk/out/output.jsonl")) as unknown as {
      readonly response: { readonly body: { readonly choices: readonly { readonly message: { content: string } }[] } };
    }[];
    expect(answers.map(({ response }) => response.body.choices[0]?.message.content)).toEqual(
      questions.map(answerPrompt),
    );
    expect(sandbox.manifest("disk/out").calls).toMatchObject({ made: 400, paidTwice: 0 });
  } finally {
    await sandbox.waitUntilNoProcesses().finally(() => spawnSync("umount", [disk]));
  }
});
