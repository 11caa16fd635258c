import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
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
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.2), "a fifth of the items");
  cli.kill("SIGTERM");
  expect(await cli.exit).toMatchObject({ code: 130 });
  await sandbox.waitUntilNoProcesses();
  rmSync(sandbox.path(".sluice"), { recursive: true });
}

function openSandbox(): Promise<CliSandbox> {
  return CliSandbox.open({ latency: { fixedMs: 100 }, limits: { requestsPerMinute: 100_000, concurrency: 4 } });
}

/** Rewrites the work folder to the format before version 2. */
function convertToFormat1(sandbox: CliSandbox): void {
  const work = (name: string) => sandbox.path("out", ".work", name);
  rmSync(work("format.json"));
  const items = readFileSync(work("items.jsonl"), "utf8").replaceAll('"duplicateOf":', '"sameAs":');
  expect(items).toContain('"sameAs":');
  writeFileSync(work("items.jsonl"), items);
  const bytes = Buffer.byteLength(items);
  const index = JSON.parse(readFileSync(work("items.index.json"), "utf8"));
  writeFileSync(work("items.index.json"), JSON.stringify({ ...index, bytes }));
  renameSync(work("duplicates.bin"), work("copies.bin"));
  const copies = readFileSync(work("copies.bin"));
  copies.writeDoubleLE(bytes, 16);
  writeFileSync(work("copies.bin"), copies);
}

test("a run of the previous version is resumed from its work folder", async () => {
  await using sandbox = await openSandbox();
  await interruptRun(sandbox);
  convertToFormat1(sandbox);
  const { run } = sandbox.manifest("out");

  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0, stderr: "" });
  const expected = expectedVectors(ITEMS, textOf);
  const { floats } = readNpy(sandbox.path("out", "vectors.npy"));
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expected.buffer))).toBe(0);
  expect(sandbox.simulator.statistics().texts).toBe(DISTINCT);
  expect(sandbox.manifest("out")).toMatchObject({
    run,
    items: { total: ITEMS, succeeded: ITEMS, failed: 0, missing: 0 },
    calls: { made: DISTINCT / 10, paidTwice: 0 },
    reused: { copies: ITEMS - DISTINCT },
  });
  await sandbox.waitUntilNoProcesses();
});

test("a work folder of a newer version is rejected by a rerun and by a retry, and --force replaces it", async () => {
  await using sandbox = await openSandbox();
  await interruptRun(sandbox);
  sandbox.write("out/.work/format.json", '{"version":99}');
  const rejection = /\.work was written by a newer version of Sluice \(format 99; .*\n +Upgrade Sluice/;
  for (const args of [
    ["embed", ...ARGS, "--model", "minimax/embo-01"],
    ["retry", "out"],
  ]) {
    const { code, stderr } = await sandbox.run(args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(rejection) });
  }
  expect(await sandbox.embed([...ARGS, "--force"]).exit).toMatchObject({ code: 0, stderr: "" });
  await sandbox.waitUntilNoProcesses();
});
