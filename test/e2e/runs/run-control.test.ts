import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CliProcess, CliSandbox, hasProgressedTo, isStopping } from "#test/support/runs/cli-sandbox.ts";
import { expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_000;
let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open({
    // Once its calls are not held any more, a run lasts longer than workers need to notice a command.
    latency: { fixedMs: 200 },
    limits: { requestsPerMinute: 100_000, concurrency: 2 },
  });
  writeCorpus(sandbox, ITEMS);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

const calls = () => sandbox.simulator.statistics().calls;

/**
 * Starts a run, and resolves with it and its ID when it has a tenth of its records. `release` lets its further calls be
 * answered.
 */
async function startRun(format = "jsonl"): Promise<{ cli: CliProcess; id: string; release: () => void }> {
  const release = sandbox.simulator.hold(15);
  const cli = sandbox.embed(["corpus", "--out", "vectors", "--format", format, "--json"]);
  await cli.event(hasProgressedTo(0.1), "a tenth of the items");
  return { cli, id: sandbox.manifest("vectors").run, release };
}

const phaseIs = (phase: string) => (event: Readonly<Record<string, unknown>>) =>
  event.event === "progress" && event.phase === phase;

test("a run is paused, followed, and resumed from other terminals", async () => {
  const { cli, id, release } = await startRun("npy");
  const follower = sandbox.start(["run", id, "--json"]);
  await follower.event(({ event }) => event === "run-start", "the start of the run");

  const paused = await sandbox.run(["pause", id]);
  expect(paused).toMatchObject({ code: 0, stderr: "" });
  expect(paused.stdout).toContain(`${id}: paused`);
  await cli.event(phaseIs("paused"), "the pause");
  await follower.event(phaseIs("paused"), "the pause, elsewhere");
  release();
  await waitFor(() => sandbox.simulator.statistics().inFlight === 0, { what: "the calls in flight" });
  const before = calls();
  expect(before).toBeLessThan(ITEMS / 10);
  expect((await sandbox.run(["pause", id])).stdout).toContain("paused already");
  // Long enough for workers to take their jobs several times: none of them makes a call.
  const at = cli.events().at(-1)?.at;
  await cli.event((event) => Date.parse(String(event.at)) > Date.parse(String(at)) + 4_000, "four seconds");
  expect(calls()).toBe(before);

  expect((await sandbox.run(["resume", "vectors"])).stdout).toContain("resumed");
  expect(await cli.exit).toMatchObject({ code: 0, stderr: "" });
  expect(await follower.exit).toMatchObject({ code: 0, stderr: "" });
  expect(follower.events().at(-1)).toMatchObject({
    event: "run-end",
    outcome: "finished",
    report: { run: id, items: { succeeded: ITEMS } },
  });
  expect(calls()).toBe(ITEMS / 10);
  const { floats } = readNpy(sandbox.path("vectors", "vectors.npy"));
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
  const late = await sandbox.run(["run", id, "--json"]);
  expect(late.code).toBe(0);
  expect((await sandbox.run(["pause", id])).stderr).toContain("is finished");
});

test("a cancelled run writes its results; the other items are errors of kind cancelled", async () => {
  const { cli, id, release } = await startRun();
  const { code, stdout } = await sandbox.run(["cancel", id, "--json"]);
  release();
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ run: id, before: "running", state: "cancelled", coordinated: true });
  expect(await cli.exit).toMatchObject({ code: 1, stderr: "" });
  const { items, failuresByKind, calls: counted } = sandbox.manifest("vectors");
  expect(items.total).toBe(ITEMS);
  expect(items.missing).toBe(0);
  expect(items.succeeded).toBeGreaterThanOrEqual(ITEMS / 10);
  expect(items.succeeded).toBeLessThan(ITEMS);
  expect(failuresByKind).toEqual({ cancelled: items.failed });
  // Every paid answer is in the output.
  expect(counted).toMatchObject({ made: calls(), answered: calls(), paidTwice: 0 });
  expect(items.succeeded).toBe(calls() * 10);
  const records = readJsonl(sandbox.path("vectors", "records.jsonl"));
  expect(records.map(({ index }) => index)).toEqual(Array.from({ length: ITEMS }, (_, i) => i));
  expect(records.filter(({ status }) => status === "ok")).toHaveLength(items.succeeded);
  expect((await sandbox.run(["resume", id])).code).toBe(2);
  await sandbox.waitUntilNoProcesses();
});

test("a run without a coordinator is cancelled when it is resumed", async () => {
  const worker = sandbox.start(["worker"]);
  const { cli, id, release } = await startRun();
  cli.killGroup("SIGINT");
  await cli.event(isStopping, "word of the stop");
  release();
  expect(await cli.exit).toMatchObject({ code: 130 });
  const rejected = await sandbox.run(["pause", id]);
  expect(rejected.code).toBe(2);
  expect(rejected.stderr).toContain(`Run "sluice resume ${id}"`);
  const viewed = await sandbox.run(["run", id, "--json"]);
  expect(viewed.code).toBe(2);
  expect(JSON.parse(viewed.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
    event: "run-end",
    outcome: "stopped",
    message: "interrupted",
  });
  expect((await sandbox.run(["cancel", id])).stdout).toContain(`"sluice resume ${id}" writes it`);
  const before = calls();
  expect(await sandbox.run(["resume", id])).toMatchObject({ code: 1 });
  expect(calls()).toBe(before);
  expect(sandbox.manifest("vectors").items).toMatchObject({ total: ITEMS, missing: 0 });
  worker.kill("SIGTERM");
  await worker.exit;
});

test("a run whose coordinator was killed cannot be paused, and is resumed with all its options from another folder", async () => {
  const { cli, id, release } = await startRun();
  cli.kill("SIGKILL");
  await cli.exit;
  release();
  const { code, stdout, stderr } = await sandbox.run(["pause", id]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`${id} is stopped`);
  const other = await sandbox.embed(["corpus", "--out", "vectors", "--id-field", "key", "--limit", "5"]).exit;
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("--id-field was id, and is now key; --limit was not given, and is now 5");
  expect(other.stderr).toMatch(/"sluice resume \S+vectors"[\s\S]*--force deletes that run, and the \d+ answers in it/);
  const resumed = sandbox.start(["resume", sandbox.path("vectors"), "--workers", "1", "--json"], { cwd: "/" });
  expect(await resumed.exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("vectors")).toMatchObject({ run: id, items: { succeeded: ITEMS } });
  expect(readJsonl(sandbox.path("vectors", "records.jsonl"))).toHaveLength(ITEMS);
  const again = await sandbox.run(["resume", "vectors"]);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("is finished") });
});

test.each([["run"], ["pause"], ["resume"], ["cancel"]])("%s of an unknown run is rejected", async (verb) => {
  const { code, stderr } = await sandbox.run([verb, "e-20260101-nothing"]);
  expect(code).toBe(2);
  expect(stderr).toContain('no run "e-20260101-nothing"');
  const folder = await sandbox.run([verb, "corpus"]);
  expect(folder.code).toBe(2);
  expect(folder.stderr).toContain("contains no run");
});

test("a limit set from another terminal applies to running workers within seconds, and is shown", async () => {
  const { cli, release } = await startRun();
  const setLimit = await sandbox.run(["set-limit", "minimax/embo-01", "--concurrency", "1"]);
  release();
  expect(setLimit).toMatchObject({ code: 0, stderr: "" });
  expect(setLimit.stdout).toContain("1 concurrent call (manual)");
  await cli.event(({ event, lanes }) => {
    const [lane] = (lanes ?? []) as { concurrency: { used: number; allowed?: number } }[];
    return event === "progress" && lane?.concurrency.allowed === 1 && lane.concurrency.used === 1;
  }, "the new limit");
  const doctor = await sandbox.run(["doctor"]);
  expect(doctor.stdout).toContain("1 concurrent call, set manually");
  await sandbox.run(["set-limit", "minimax/embo-01", "--clear", "--concurrency", "16"]);
  expect(await cli.exit).toMatchObject({ code: 0 });
  const unknown = await sandbox.run(["set-limit", "minimax/embo-1", "--concurrency", "1"]);
  expect(unknown).toMatchObject({ code: 0 });
  expect(unknown.stderr).toContain("minimax/embo-1 is not in the list of models");
  expect(unknown.stderr).toContain("Similar names: minimax/embo-01");
  expect((await sandbox.run(["set-limit", "minimax/embo-01"])).stderr).toContain("no limit given");
});

test("--max-cost stops before the cap and explains how to continue; a higher cap finishes the run", async () => {
  sandbox.simulator.configure({ latency: { fixedMs: 0 } });
  const price = { inputPerMillionTokens: 1_000_000, currency: "CNY" };
  const limits = { requestsPerMinute: 100_000, concurrency: 4 };
  sandbox.write(
    "sluice.yaml",
    JSON.stringify({ providers: { minimax: { models: { "embo-01": { limits, price } } } } }),
  );
  const dry = await sandbox.embed(["corpus", "--out", "dry", "--dry-run", "--json"]).exit;
  const { estimatedTokens, cost } = JSON.parse(dry.stdout);
  expect(cost.currency).toBe("CNY");
  expect(cost.expected).toBeCloseTo(estimatedTokens);
  expect(cost.low).toBeCloseTo(estimatedTokens * 0.85);
  expect(cost.high).toBeCloseTo(estimatedTokens * 1.15);

  const cap = Math.round(estimatedTokens * 0.4);
  const args = ["corpus", "--out", "vectors", "--format", "npy", "--json"];
  const capped = sandbox.embed([...args, "--max-cost", String(cap)]);
  expect(await capped.exit).toMatchObject({ code: 2, stderr: "" });
  expect(capped.events().at(-1)).toMatchObject({
    event: "run-end",
    outcome: "stopped",
    message: expect.stringContaining("CNY"),
    hint: expect.stringContaining("--max-cost"),
  });
  const stopped = sandbox.manifest("vectors");
  expect(stopped).toMatchObject({ state: "stopped", calls: { failed: 0, paidTwice: 0 } });
  expect(stopped.cost?.amount).toBe(sandbox.simulator.statistics().tokens);
  expect(stopped.cost?.amount).toBeLessThanOrEqual(cap);
  expect(stopped.cost?.amount).toBeGreaterThan(cap * 0.95);
  const again = await sandbox.embed([...args, "--max-cost", String(cap)]).exit;
  expect(again).toMatchObject({ code: 2 });
  expect(sandbox.manifest("vectors").tokens - stopped.tokens).toBeLessThan(cap * 0.1);

  expect(await sandbox.embed(args).exit).toMatchObject({ code: 0 });
  const { cost: paid, tokens } = sandbox.manifest("vectors");
  expect(paid).toEqual({ amount: tokens, currency: "CNY" });
  expect(readFileSync(sandbox.path("vectors", "items.jsonl"), "utf8").trim().split("\n")).toHaveLength(ITEMS);
});

test("--max-cost without a price is rejected before anything is sent", async () => {
  const { code, stderr } = await sandbox.embed(["corpus", "--out", "vectors", "--max-cost", "1"]).exit;
  expect(code).toBe(2);
  expect(stderr).toContain("needs a price");
  expect(calls()).toBe(0);
});
