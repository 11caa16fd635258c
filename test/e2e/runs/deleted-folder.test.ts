import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

const ITEMS = 3_000;

test.each([
  ["work folder", [".work"]],
  ["output folder", []],
])("a run whose %s is deleted stops, and makes no further calls", async (_, path) => {
  await using sandbox = await CliSandbox.open({
    latency: { fixedMs: 500 },
    limits: { requestsPerMinute: 100_000, concurrency: 4 },
  });
  writeCorpus(sandbox, ITEMS);
  const cli = sandbox.embed(["corpus", "--out", "vectors", "--json"]);
  await cli.event(hasProgressedTo(0.01), "some records");
  await rm(sandbox.path("vectors", ...path), { recursive: true });
  const { code, stdout, stderr } = await cli.exit;
  expect(code).toBe(2);
  expect(stdout + stderr).not.toContain("unexpected");
  expect(cli.events().at(-1)).toMatchObject({ event: "run-end", outcome: "stopped" });
  expect(sandbox.simulator.statistics().calls).toBeLessThan(ITEMS / 10 / 2);
});
