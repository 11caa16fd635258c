import { readdirSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { CliSandbox, hasProgressedTo, isStopping } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, expectedVectors } from "#test/support/runs/corpus.ts";
import { readNpy } from "#test/support/runs/read-output-files.ts";

const ITEMS = 800;
const DISTINCT = 600;
const ARGS = ["corpus.jsonl", "--out", "out", "--format", "npy", "--json"];
const textOf = (n: number) => buildCorpusText(n % DISTINCT);

/** Interrupts an embedding run after a fifth of its items. No process and no Redis data remain. */
async function interruptRun(sandbox: CliSandbox): Promise<void> {
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: textOf(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
  const release = sandbox.simulator.hold(24);
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.2), "a fifth of the items");
  cli.kill("SIGTERM");
  await cli.event(isStopping, "word of the stop");
  release();
  expect(await cli.exit).toMatchObject({ code: 130 });
  await sandbox.waitUntilNoProcesses();
  rmSync(sandbox.path(".sluice"), { recursive: true });
}

function openSandbox(): Promise<CliSandbox> {
  return CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: 4 } });
}

test("a work folder of an earlier version is rejected by a rerun and by a retry, and --force replaces it", async () => {
  await using sandbox = await openSandbox();
  await interruptRun(sandbox);
  for (const name of readdirSync(sandbox.path("out"))) {
    if (name.startsWith("run.db")) rmSync(sandbox.path("out", name));
  }
  sandbox.write("out/.work/items.jsonl", "{}\n");
  const rejection = /\.work was written by Sluice 0\.1, .*\n +Finish the run with the version that started it/;
  await expectRejections(sandbox, rejection);
  expect(await sandbox.embed([...ARGS, "--force"]).exit).toMatchObject({ code: 0, stderr: "" });
  await sandbox.waitUntilNoProcesses();
});

test("a database of a newer version is rejected by a rerun and by a retry, and --force replaces it", async () => {
  await using sandbox = await openSandbox();
  await interruptRun(sandbox);
  const database = new DatabaseSync(sandbox.path("out", "run.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  await expectRejections(sandbox, /run\.db was written by a newer version of Sluice \(schema 99; .*\n +Upgrade Sluice/);
  expect(await sandbox.embed([...ARGS, "--force"]).exit).toMatchObject({ code: 0, stderr: "" });
  const { floats } = readNpy(sandbox.path("out", "vectors.npy"));
  const expected = expectedVectors(ITEMS, textOf);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expected.buffer))).toBe(0);
  await sandbox.waitUntilNoProcesses();
});

async function expectRejections(sandbox: CliSandbox, rejection: RegExp): Promise<void> {
  const { calls } = sandbox.simulator.statistics();
  for (const args of [
    ["embed", ...ARGS, "--model", "minimax/embo-01"],
    ["retry", "out"],
  ]) {
    const { code, stderr } = await sandbox.run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(rejection) });
  }
  expect(sandbox.simulator.statistics().calls).toBe(calls);
}
