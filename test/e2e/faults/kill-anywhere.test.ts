import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { answerPrompt } from "#src/simulator/chat/answer-prompt.ts";
import { CliSandbox, MODEL } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { readJsonl, readNpy } from "#test/support/runs/read-output-files.ts";

const ITEMS = 1_500;
const KILLS = 4;
const CONCURRENCY = 4;
/** Longer than a run takes on a fast machine: some kills come while it writes its output, or after its end. */
const MAX_DELAY_MS = 4_000;
/** Determines the delays before the kills. To repeat a run, set KILL_SEED to the seed that it printed. */
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);

const REQUEST = { method: "POST", url: "/v1/chat/completions" };
const ids = (prefix: string) => Array.from({ length: ITEMS }, (_, n) => `${prefix}-${n}`);

async function expectNpy(out: string): Promise<void> {
  const { floats } = readNpy(`${out}/vectors.npy`);
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
  expect(readJsonl(`${out}/items.jsonl`).map(({ id }) => id)).toEqual(ids("c"));
}

async function expectParquet(out: string): Promise<void> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(`${out}/records.parquet`) });
  expect(rows.map(({ id }) => id)).toEqual(ids("c"));
  for (const [n, { vector, status }] of rows.entries()) {
    expect(status).toBe("ok");
    expect(Float32Array.from(vector as number[])).toEqual(toFloats(embedText(buildCorpusText(n))));
  }
}

interface ChatLine {
  readonly custom_id: string;
  readonly response: { readonly body: { readonly choices: readonly { readonly message: { content: string } }[] } };
}

async function expectChats(out: string): Promise<void> {
  const lines = readFileSync(`${out}/output.jsonl`, "utf8").trimEnd().split("\n");
  const answers = lines.map((line): ChatLine => JSON.parse(line));
  expect(answers.map((answer) => answer.custom_id)).toEqual(ids("q"));
  expect(answers.map(({ response }) => response.body.choices[0]?.message.content)).toEqual(
    ids("q").map((_, n) => answerPrompt(buildCorpusText(n))),
  );
}

test.each([
  ["embed to npy", ["embed", "corpus", "--model", MODEL, "--format", "npy"], 10, expectNpy],
  ["embed to parquet", ["embed", "corpus", "--model", MODEL, "--format", "parquet"], 10, expectParquet],
  ["batch of chats", ["batch", "requests.jsonl", "--model", "minimax/MiniMax-M2"], 1, expectChats],
])("after kill -9 at random points, every record of %s is right", async (_, args, itemsPerCall, expectOutput) => {
  const limits = { requestsPerMinute: 1_000_000, concurrency: CONCURRENCY * (itemsPerCall === 1 ? 8 : 1) };
  await using sandbox = await CliSandbox.open({ latency: { fixedMs: 20 }, limits });
  const models = { "embo-01": { limits }, "MiniMax-M2": { limits: { ...limits, tokensPerMinute: 100_000_000 } } };
  sandbox.write("sluice.yaml", JSON.stringify({ providers: { minimax: { models } } }));
  writeCorpus(sandbox, ITEMS);
  const requests = ids("q").map((custom_id, n) => {
    return JSON.stringify({
      custom_id,
      ...REQUEST,
      body: { messages: [{ role: "user", content: buildCorpusText(n) }] },
    });
  });
  sandbox.write("requests.jsonl", requests.join("\n"));
  const command = [...args, "--out", "out", "--workers", "2", "--json"];
  console.info(`KILL_SEED=${SEED}`);
  const random = createSimulatorRandom(SEED);
  const delays = Array.from({ length: KILLS }, () => Math.round(random() * MAX_DELAY_MS));
  for (const [kill, delay] of delays.entries()) {
    const cli = sandbox.start(command);
    // Every second kill may come before the run has started, while it is planned or prepared.
    if (kill % 2 === 0) await cli.event(({ event }) => event === "run-start" || event === "run-end", "its start");
    // Meant: the kill comes at any point, and the assertions hold wherever it comes.
    await sleep(delay);
    if (kill < KILLS / 2) cli.killGroup("SIGKILL");
    else cli.kill("SIGKILL");
    await cli.exit;
  }
  const { code, stderr } = await sandbox.run(command);
  expect({ code, stderr, delays, SEED }).toMatchObject({ code: 0 });
  await expectOutput(sandbox.path("out"));
  const inFlight = KILLS * 2 * limits.concurrency * itemsPerCall;
  const { texts, calls } = sandbox.simulator.statistics();
  expect(itemsPerCall === 1 ? calls : texts).toBeLessThanOrEqual(ITEMS + inFlight);
  await sandbox.waitUntilNoProcesses();
});
