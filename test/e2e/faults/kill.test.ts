import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox, hasProgressedTo, killIfRunning } from "#test/support/runs/cli-sandbox.ts";
import { expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_500;
const CALLS = ITEMS / 10;
const CONCURRENCY = 6;
const LIMITS = { requestsPerMinute: 100_000, concurrency: CONCURRENCY };

function expectComplete(sandbox: CliSandbox, out: string): void {
  const { shape, floats } = readNpy(sandbox.path(out, "vectors.npy"));
  expect(shape).toEqual([ITEMS, 1536]);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
  const items = readJsonl(sandbox.path(out, "items.jsonl"));
  expect(items.map((item) => item.id)).toEqual(Array.from({ length: ITEMS }, (_, n) => `c-${n}`));
  expect(items.every((item) => item.status === "ok")).toBe(true);
}

/** `kills`: number of kills. Each costs at most the calls in flight. */
function expectCallCounts(sandbox: CliSandbox, out: string, kills: number): void {
  const { calls, paidTwice } = {
    calls: sandbox.simulator.statistics().calls,
    ...sandbox.manifest(out).calls,
  };
  const manifest = sandbox.manifest(out);
  expect(calls).toBeGreaterThanOrEqual(CALLS);
  expect(calls).toBeLessThanOrEqual(CALLS + 2 * kills * CONCURRENCY);
  expect(paidTwice).toBeLessThanOrEqual(kills * CONCURRENCY);
  // A call and its count are sent concurrently: a kill at that moment can lose either of them.
  expect(Math.abs(manifest.calls.made - calls)).toBeLessThanOrEqual(kills * CONCURRENCY);
  expect(manifest.calls.answered + manifest.calls.failed + paidTwice).toBe(manifest.calls.made);
}

test("after kill -9 of a worker, of the command and of Redis, the rerun writes the same bytes", async () => {
  await using sandbox = await CliSandbox.open({ limits: LIMITS });
  writeCorpus(sandbox, ITEMS);
  const args = ["corpus", "--out", "vectors", "--format", "npy", "--json"];

  const releaseFirst = sandbox.simulator.hold(25);
  const first = sandbox.embed(args);
  await first.event(hasProgressedTo(0.1), "a tenth of the items");
  const [worker] = first.workers();
  if (!worker) throw new Error("the command has no worker");
  process.kill(worker.pid, "SIGKILL");
  await first.event(({ event }) => event === "worker-lost", "the loss of a worker");
  const releaseSecond = sandbox.simulator.hold(40);
  releaseFirst();
  await first.event(hasProgressedTo(0.3), "three tenths of the items");
  first.kill("SIGKILL");
  await first.exit;

  const releaseThird = sandbox.simulator.hold(35);
  releaseSecond();
  const second = sandbox.embed(args);
  await second.event(hasProgressedTo(0.45), "nearly half of the items");
  const server = await sandbox.redisServer();
  process.kill(server.pid, "SIGKILL");
  releaseThird();
  const { code, stderr } = await second.exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  expectComplete(sandbox, "vectors");
  expectCallCounts(sandbox, "vectors", 3);
  await sandbox.waitUntilNoProcesses();

  const { calls } = sandbox.simulator.statistics();
  expect(await sandbox.embed(args).exit).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls).toBe(calls);
});

test("a Redis given by URL can be killed and restarted during a run", async () => {
  const redis = await startRedisProcess({ settings: [["appendfsync", "always"]] });
  try {
    await using sandbox = await CliSandbox.open({ limits: LIMITS, env: { REDIS_URL: redis.url } });
    writeCorpus(sandbox, ITEMS);
    const release = sandbox.simulator.hold(60);
    const cli = sandbox.embed(["corpus", "--out", "vectors", "--format", "npy", "--json"]);
    await cli.event(hasProgressedTo(0.3), "three tenths of the items");
    await redis.kill("SIGKILL");
    await cli.event(
      ({ event, message }) => event === "note" && String(message).includes("lost the connection to Redis"),
      "the note about the lost connection",
    );
    await redis.start();
    release();
    const { code, stderr } = await cli.exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expectComplete(sandbox, "vectors");
    expectCallCounts(sandbox, "vectors", 1);
    await sandbox.waitUntilNoProcesses();
  } finally {
    await redis.stop();
  }
});

test("after everything is killed and the folder of Redis is lost, the output determines what is missing", async () => {
  await using sandbox = await CliSandbox.open({ limits: LIMITS });
  writeCorpus(sandbox, ITEMS);
  const args = ["corpus", "--out", "vectors", "--format", "npy", "--json", "--window", "300"];
  const release = sandbox.simulator.hold(60);
  const cli = sandbox.embed(args);
  await cli.event(hasProgressedTo(0.3), "three tenths of the items");
  for (const { pid } of sandbox.processes()) killIfRunning(pid, "SIGKILL");
  await cli.exit;
  release();
  await sandbox.waitUntilNoProcesses();
  const { rm } = await import("node:fs/promises");
  await rm(sandbox.path(".sluice"), { recursive: true });

  expect(await sandbox.embed(args).exit).toMatchObject({ code: 0, stderr: "" });
  expectComplete(sandbox, "vectors");
  // Redis held one window: at most that many items are paid for again.
  expect(sandbox.simulator.statistics().texts).toBeLessThanOrEqual(ITEMS + 300 + CONCURRENCY * 10);
});

test("a worker that is stopped returns its jobs at no cost, and separate workers finish the run", async () => {
  await using sandbox = await CliSandbox.open({ limits: LIMITS });
  writeCorpus(sandbox, ITEMS);
  const workers = [sandbox.start(["worker"]), sandbox.start(["worker"])];
  await Promise.all(
    workers.map((worker) => waitFor(() => worker.stderr().includes("worker takes jobs"), { what: "the workers" })),
  );
  const release = sandbox.simulator.hold(40);
  const cli = sandbox.embed(["corpus", "--out", "vectors", "--format", "npy", "--json", "--workers", "0"]);
  await cli.event(hasProgressedTo(0.2), "a fifth of the items");
  expect(cli.workers()).toEqual([]);
  workers[0]?.kill("SIGTERM");
  await waitFor(() => workers[0]?.stderr().includes("worker stops"), { what: "the worker to stop" });
  release();
  expect(await workers[0]?.exit).toMatchObject({ code: 0 });
  expect(await cli.exit).toMatchObject({ code: 0, stderr: "" });
  expectComplete(sandbox, "vectors");
  expect(sandbox.manifest("vectors").calls).toMatchObject({
    made: CALLS,
    answered: CALLS,
    failed: 0,
    paidTwice: 0,
  });
  expect(sandbox.simulator.statistics().calls).toBe(CALLS);
  const log = workers.map((worker) => worker.stderr()).join("");
  expect(log).not.toContain(readFileSync(sandbox.path("corpus", "part-0.jsonl"), "utf8").slice(20, 60));
  workers[1]?.kill("SIGTERM");
  expect(await workers[1]?.exit).toMatchObject({ code: 0 });
  await sandbox.waitUntilNoProcesses();
});
