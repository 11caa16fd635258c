import { expect, test } from "vitest";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { SIMULATOR_ZHIPU_KEY } from "#src/simulator/simulator.ts";
import { CliSandbox, killIfRunning } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_000;
const BAD = 28;
/** `1000 * H(0.028)`: the least number of calls that can find 28 bad inputs of 1,000. Halving calls of 64 needs about 275. */
const MINIMUM = 184;

/** Numbers of the bad items. */
function drawBad(): Set<number> {
  const random = createSimulatorRandom(12);
  const bad = new Set<number>();
  while (bad.size < BAD) bad.add(Math.floor(random() * ITEMS));
  return bad;
}

const bad = drawBad();
const textOf = (n: number) => `${bad.has(n) ? "Forbidden" : "Permitted"} ${buildCorpusText(n)}`;

async function openFilteringSandbox(): Promise<CliSandbox> {
  const sandbox = await CliSandbox.open({
    faults: [{ action: { type: "code", code: 1301 }, text: "Forbidden" }],
    env: { ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY },
  });
  sandbox.write(
    "sluice.yaml",
    "providers:\n  zhipu:\n    models:\n      embedding-3:\n        limits: { concurrency: 8 }\nrun:\n  canaries: false\n",
  );
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: textOf(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
  return sandbox;
}

const embed = (sandbox: CliSandbox, workers: number) =>
  sandbox.start(
    ["embed", "corpus.jsonl", "--model", "zhipu/embedding-3", "--out", "out", "--format", "jsonl", "--json"].concat(
      "--workers",
      String(workers),
    ),
    { env: { ZHIPU_BASE_URL: sandbox.simulator.zhipuUrl } },
  );

function expectAllRecords(sandbox: CliSandbox): void {
  const records = readJsonl(sandbox.path("out", "records.jsonl"));
  expect(records.map(({ id }) => id)).toEqual(Array.from({ length: ITEMS }, (_, n) => `c-${n}`));
  for (const [n, { status, vector }] of records.entries()) {
    expect({ n, status }).toEqual({ n, status: bad.has(n) ? "failed" : "ok" });
    if (!bad.has(n)) expect(Float32Array.from(vector as number[])).toEqual(toFloats(embedText(textOf(n), 2048)));
  }
  expect(sandbox.manifest("out").failuresByKind).toEqual({ "content-filter": BAD });
}

test("28 bad texts of 1,000 fail alone, with little more than the least number of calls", async () => {
  await using sandbox = await openFilteringSandbox();
  expect(await embed(sandbox, 1).exit).toMatchObject({ code: 1, stderr: "" });
  expectAllRecords(sandbox);
  const { calls } = sandbox.simulator.statistics();
  expect(calls).toBeLessThan(1.3 * MINIMUM);
  expect(sandbox.manifest("out").calls).toMatchObject({ made: calls, paidTwice: 0 });
});

test("after kill -9 of a worker during the search, every record is right, and few calls are made again", async () => {
  await using sandbox = await openFilteringSandbox();
  const release = sandbox.simulator.hold(60);
  const cli = embed(sandbox, 2);
  await waitFor(() => sandbox.simulator.statistics().inFlight >= 4, { what: "held calls" });
  const [worker] = cli.workers();
  if (!worker) throw new Error("the command has no worker");
  killIfRunning(worker.pid, "SIGKILL");
  await cli.event(({ event }) => event === "worker-lost", "the loss of a worker");
  release();
  expect(await cli.exit).toMatchObject({ code: 1 });
  expectAllRecords(sandbox);
  expect(sandbox.simulator.statistics().calls).toBeLessThan(1.6 * MINIMUM);
});
