import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { findFreePort } from "#test/support/redis/redis-process.ts";
import { CliSandbox, hasProgressedTo, isStopping } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ARGS = ["corpus", "--out", "vectors", "--format", "jsonl", "--json"];

test("a wrong key stops the run after a few calls, and the correct key resumes it", async () => {
  await using sandbox = await CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: 4 } });
  writeCorpus(sandbox, 400);
  const rejected = sandbox.embed(ARGS, { env: { MINIMAX_API_KEY: "sk-wrong-0123456789" } });
  expect(await rejected.exit).toMatchObject({ code: 2 });
  expect(sandbox.simulator.statistics().calls).toBeLessThanOrEqual(8);
  expect(rejected.events().at(-1)).toMatchObject({
    event: "run-end",
    outcome: "stopped",
    message: expect.stringMatching(/auth.*key/),
    hint: expect.stringContaining("same command"),
  });
  expect(rejected.stdout() + rejected.stderr()).not.toContain("sk-wrong");
  expect(sandbox.manifest("vectors")).toMatchObject({
    state: "stopped",
    items: { succeeded: 0, failed: 0, missing: 400 },
  });
  await sandbox.waitUntilNoProcesses();
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: 400 });
});

test("an empty account stops the run halfway, and paid results are kept", async () => {
  await using sandbox = await CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: 4 } });
  writeCorpus(sandbox, 600);
  const release = sandbox.simulator.hold(20);
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.2), "a fifth of the items");
  sandbox.simulator.configure({ faults: [{ action: { type: "code", code: 1008 } }] });
  release();
  expect(await cli.exit).toMatchObject({ code: 2 });
  expect(cli.events().at(-1)).toMatchObject({
    outcome: "stopped",
    message: expect.stringMatching(/balance/),
  });
  const { answered } = sandbox.simulator.statistics();
  expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: answered * 10, failed: 0 });
  sandbox.simulator.configure({ faults: [] });
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().answered).toBe(60);
});

test("an unreachable upstream stops the run with a clear message, and the run can be resumed", async () => {
  await using sandbox = await CliSandbox.open();
  writeCorpus(sandbox, 100);
  const cli = sandbox.embed(ARGS, { env: { MINIMAX_BASE_URL: `http://127.0.0.1:${await findFreePort()}/v1` } });
  expect(await cli.exit).toMatchObject({ code: 2 });
  expect(cli.events().at(-1)).toMatchObject({
    outcome: "stopped",
    message: expect.stringMatching(/reach|connect|network/),
  });
  expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: 0, failed: 0, missing: 100 });
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0 });
});

test("a wrong base URL on a rerun is reported within seconds, with URL and error, and never the key", async () => {
  const limits = { requestsPerMinute: 100_000, concurrency: 4 };
  await using sandbox = await CliSandbox.open({ limits });
  writeCorpus(sandbox, 400);
  const release = sandbox.simulator.hold(8);
  const first = sandbox.embed(ARGS);
  await first.event(hasProgressedTo(0.1), "the first items");
  first.kill("SIGINT");
  await first.event(isStopping, "word of the stop");
  release();
  await first.exit;
  const address = `127.0.0.1:${await findFreePort()}`;
  const env = { MINIMAX_BASE_URL: `http://${address}/v1` };
  const json = sandbox.embed(ARGS, { env });
  const trouble = await json.event(({ event }) => event === "trouble", "a trouble event");
  expect(trouble).toMatchObject({ kind: "network", address, message: expect.stringContaining("refused") });
  await json.event(({ trouble }) => trouble !== undefined, "a progress event with the trouble");
  json.kill("SIGINT");
  await json.exit;
  const plain = sandbox.embed(
    ARGS.filter((arg) => arg !== "--json"),
    { env },
  );
  await waitFor(() => plain.stderr().includes(`no answers from ${address}: network: connection refused`));
  plain.kill("SIGINT");
  await plain.exit;
  expect(json.stdout() + plain.stderr()).not.toContain("simulator-key");
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0 });
});

test("invalid responses never become records, and the valid ones after them do", async () => {
  await using sandbox = await CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: 4 } });
  writeCorpus(sandbox, 300);
  const once = (action: object) => ({ action, calls: 1 });
  sandbox.simulator.configure({
    faults: [
      once({ type: "html" }),
      once({ type: "truncate" }),
      once({ type: "truncate", framing: "cut" }),
      once({ type: "vectors", defect: "missing" }),
      once({ type: "vectors", defect: "extra" }),
      once({ type: "vectors", defect: "nan" }),
      once({ type: "vectors", defect: "short" }),
      once({ type: "empty" }),
      once({ type: "reset" }),
      once({ type: "hang-up" }),
      once({ type: "code", code: 1000 }),
      once({ type: "code", code: 1002 }),
    ] as never,
  });
  const { code, stderr } = await sandbox.embed(ARGS).exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const records = readJsonl(sandbox.path("vectors", "records.jsonl"));
  expect(records).toHaveLength(300);
  expect(records.every(({ vector }) => (vector as number[]).length === 1536)).toBe(true);
  expect(sandbox.manifest("vectors").calls).toMatchObject({ failed: 12, throttled: 1, paidTwice: 0 });
});

test("one poison text fails alone", async () => {
  await using sandbox = await CliSandbox.open({
    faults: [{ action: { type: "code", code: 1026 }, text: "Paragraph 40:" }],
  });
  writeCorpus(sandbox, 100);
  expect(await sandbox.embed([...ARGS, "--with-text"]).exit).toMatchObject({ code: 1 });
  const failed = readJsonl(sandbox.path("vectors", "errors.jsonl"));
  expect(failed).toEqual([
    expect.objectContaining({ id: "c-40", index: 40, kind: "content-filter", attempts: expect.any(Number) }),
  ]);
  const records = readJsonl(sandbox.path("vectors", "records.jsonl"));
  expect(records.filter(({ status }) => status === "ok")).toHaveLength(99);
  expect(records[40]).toMatchObject({ id: "c-40", status: "failed" });
  // A finished run with failures reports them again, with the same exit code.
  expect(await sandbox.embed([...ARGS, "--with-text"]).exit).toMatchObject({ code: 1 });
});

test("a full disk stops the run with a clear message, and the run can be resumed", async ({ skip }) => {
  await using sandbox = await CliSandbox.open();
  const disk = sandbox.path("disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
  if (mounted.status !== 0) {
    console.warn("no tmpfs can be mounted here: the test of a full disk is skipped");
    skip();
  }
  try {
    writeCorpus(sandbox, 1_000);
    const args = ["corpus", "--out", "disk/vectors", "--format", "npy", "--json"];
    const cli = sandbox.embed(args);
    expect(await cli.exit).toMatchObject({ code: 2 });
    expect(cli.stdout() + cli.stderr()).toMatch(/full/);
    expect(cli.stderr()).not.toContain("unexpected");
    spawnSync("mount", ["-o", "remount,size=64m", disk]);
    expect(await sandbox.embed(args).exit).toMatchObject({ code: 0 });
    expect(sandbox.manifest("disk/vectors").items).toMatchObject({ succeeded: 1_000 });
  } finally {
    await sandbox.waitUntilNoProcesses().finally(() => spawnSync("umount", [disk]));
  }
});

test("a slow upstream is waited for, and an endless redirect is not followed", async () => {
  const server = createServer((_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await using sandbox = await CliSandbox.open();
    sandbox.write("one.jsonl", `${JSON.stringify({ id: "a", text: buildCorpusText(1) })}\n`);
    const args = ["one.jsonl", "--out", "slow", "--json"];
    const { port } = server.address() as AddressInfo;
    const cli = sandbox.embed(args, { env: { MINIMAX_BASE_URL: `http://127.0.0.1:${port}/v1` } });
    expect((await cli.exit).code).not.toBe(0);
    const release = sandbox.simulator.hold();
    const slow = sandbox.embed([...args, "--force"]);
    await slow.event(() => sandbox.simulator.statistics().calls === 1, "the call");
    release();
    expect(await slow.exit).toMatchObject({ code: 0 });
  } finally {
    server.close();
  }
});
