import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type OpenAI from "openai";
import { toFile } from "openai";
import { expect, test } from "vitest";
import { type ServedApi, serveApi } from "#test/support/api/served-api.ts";
import { CliSandbox, MODEL } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const PRELOAD = fileURLToPath(new URL("../../support/api/kill-at-file-operation.mjs", import.meta.url));
const ENDPOINT = "/v1/embeddings";
const REQUESTS = 12;
const ids = Array.from({ length: REQUESTS }, (_, n) => `r-${n}`);

async function createBatch(client: OpenAI): Promise<OpenAI.Batch> {
  const lines = ids.map((custom_id) =>
    JSON.stringify({ custom_id, method: "POST", url: ENDPOINT, body: { model: MODEL, input: `text ${custom_id}` } }),
  );
  const file = await toFile(Buffer.from(lines.join("\n")), "in.jsonl");
  const { id } = await client.files.create({ purpose: "batch", file });
  return await client.batches.create({ input_file_id: id, endpoint: ENDPOINT, completion_window: "24h" });
}

const STATUSES = ["validating", "in_progress", "finalizing", "completed"];

/** Polls a batch to its end, and notes each status in `seen`. */
async function awaitEnd({ client, process }: ServedApi, id: string, seen: string[]): Promise<OpenAI.Batch> {
  const end = waitFor(
    async () => {
      const batch = await client.batches.retrieve(id);
      if (seen.at(-1) !== batch.status) seen.push(batch.status);
      return batch.status === "completed" ? batch : undefined;
    },
    { what: `the end of the batch ${id}` },
  );
  return await end.catch((error) => {
    throw new Error(`${error.message}; statuses: ${seen.join(", ")}; log of the server:\n${process.stderr()}`);
  });
}

async function expectEveryRequestOnce(client: OpenAI, batch: OpenAI.Batch): Promise<void> {
  expect(batch).toMatchObject({ request_counts: { total: REQUESTS, completed: REQUESTS, failed: 0 } });
  expect(batch.error_file_id).toBeFalsy();
  const text = await (await client.files.content(batch.output_file_id ?? "")).text();
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line): { custom_id: string } => JSON.parse(line));
  expect(lines.map(({ custom_id }) => custom_id)).toEqual(ids);
}

test("a batch survives kill -9 of its server before each of its file operations", async () => {
  await using sandbox = await CliSandbox.open();
  const report = sandbox.path("killed.txt");
  const worker = sandbox.start(["worker"]);
  let next: ServedApi | undefined;
  for (let killAt = 1; ; killAt++) {
    const killed = await serveApi(sandbox, {
      env: { NODE_OPTIONS: `--import ${PRELOAD}`, KILL_AT: String(killAt), KILL_REPORT: report },
    });
    const before = existsSync(report) ? readFileSync(report, "utf8") : "";
    // The client that gets no answer has no batch. One that got an id never loses it.
    let problem: unknown;
    const noteProblem = (error: unknown) => {
      problem = error;
    };
    const created = (await createBatch(killed.client).catch(noteProblem)) ?? undefined;
    const seen: string[] = [];
    const finished = created && (await awaitEnd(killed, created.id, seen).catch(noteProblem));
    const wasKilled = existsSync(report) && readFileSync(report, "utf8") !== before;
    if (!wasKilled) {
      if (!finished) throw problem;
      await expectEveryRequestOnce(killed.client, finished);
      killed.process.kill("SIGTERM");
      await killed.process.exit;
      expect(killAt).toBeGreaterThan(20);
      break;
    }
    await killed.process.exit;
    next = await serveApi(sandbox);
    if (created) {
      await expectEveryRequestOnce(next.client, await awaitEnd(next, created.id, seen));
      expect(seen, `killed before ${readFileSync(report, "utf8").trim().split("\n").at(-1)}`).toEqual(
        STATUSES.filter((status) => seen.includes(status)),
      );
    }
    // Whatever a killed server left behind does not keep others from working.
    const other = await createBatch(next.client);
    await expectEveryRequestOnce(next.client, await awaitEnd(next, other.id, []));
    next.process.kill("SIGTERM");
    await next.process.exit;
  }
  console.info(readFileSync(report, "utf8"));
  worker.kill("SIGTERM");
  await worker.exit;
  await sandbox.waitUntilNoProcesses();
});

test("another server continues the batch of one that was killed, and nothing is paid twice but what was in flight", async () => {
  await using sandbox = await CliSandbox.open();
  const worker = sandbox.start(["worker"]);
  const first = await serveApi(sandbox);
  const second = await serveApi(sandbox);
  const release = sandbox.simulator.hold();
  const { id } = await createBatch(first.client);
  await waitFor(() => sandbox.simulator.statistics().calls > 0, { what: "the first call" });
  first.process.kill("SIGKILL");
  await first.process.exit;
  release();
  const batch = await awaitEnd(second, id, []);
  await expectEveryRequestOnce(second.client, batch);
  expect(sandbox.simulator.statistics().texts).toBe(REQUESTS);
  second.process.kill("SIGTERM");
  worker.kill("SIGTERM");
  await Promise.all([second.process.exit, worker.exit]);
  await sandbox.waitUntilNoProcesses();
});
