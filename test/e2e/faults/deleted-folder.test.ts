import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";

const ITEMS = 1_200;
const CONCURRENCY = 4;

test.each([
  ["work folder", [".work"]],
  ["output folder", ["."]],
  ["database", ["run.db"]],
  ["database with its WAL", ["run.db", "run.db-wal", "run.db-shm"]],
  ["WAL", ["run.db-wal"]],
  ["vector file", [".work/vectors.f32"]],
])("a run whose %s is deleted stops, and continues without paying again", async (_, paths) => {
  await using sandbox = await CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: CONCURRENCY } });
  writeCorpus(sandbox, ITEMS);
  const args = ["corpus", "--out", "vectors", "--format", "npy", "--json"];
  const release = sandbox.simulator.hold(20);
  const cli = sandbox.embed(args);
  await cli.event(hasProgressedTo(0.1), "some records");
  for (const path of paths) await rm(sandbox.path("vectors", path), { recursive: true, force: true });
  // The rest of the run takes many times the second between two checks of the folder.
  sandbox.simulator.configure({ latency: { fixedMs: 500 } });
  release();
  const { code, stdout, stderr } = await cli.exit;
  expect(code).toBe(2);
  expect(stdout + stderr).not.toContain("unexpected");
  expect(stderr).toMatch(/was deleted .*\n +Its contents were written again\. Run the same command again/);
  expect(cli.events().at(-1)).toMatchObject({ event: "run-end", outcome: "stopped" });
  expect(sandbox.simulator.statistics().calls).toBeLessThan(ITEMS / 10);

  sandbox.simulator.configure({ latency: { fixedMs: 0 } });
  expect(await sandbox.embed(args).exit).toMatchObject({ code: 0, stderr: "" });
  const { floats } = readNpy(sandbox.path("vectors", "vectors.npy"));
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
  const ids = readJsonl(sandbox.path("vectors", "items.jsonl")).map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: ITEMS }, (_, n) => `c-${n}`));
  expect(sandbox.simulator.statistics().texts).toBe(ITEMS);
});
