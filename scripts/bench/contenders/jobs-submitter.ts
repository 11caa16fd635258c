// Submitter of the "jobs" benchmark: with the client library, with a batch file, or with BullMQ alone.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { systemClock } from "#src/core/clock.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createBatchPlanner } from "#src/producer/run-kinds/batch/batch-planner.ts";
import { executeRun } from "#src/producer/runs/execute-run.ts";
import { prepareRun } from "#src/producer/runs/prepare-run.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { serveParent } from "../bench-child.ts";
import { BARE_QUEUE, type JobsSetup, MODEL, PROVIDER, payloadOf, requestOf } from "./jobs-setup.ts";

export type SubmitterKind = "client" | "batch" | "add" | "addBulk";

export interface SubmitterSetup extends JobsSetup {
  readonly kind: SubmitterKind;
  readonly folder: string;
}

/** `prepare` is not measured. */
export interface SubmitterParams {
  readonly step: "prepare" | "go";
  readonly jobs: number;
}

/** Items in flight per user of the client library. */
const MAX_IN_FLIGHT = 1_000;
/** Jobs per `addBulk` call. */
const BULK_SIZE = 1_000;
/** Default window of `sluice batch`: items in Redis at the same time. */
const WINDOW = 2_000;

interface Submitter {
  prepare?(jobs: number): Promise<void>;
  submitAll(jobs: number): Promise<void>;
  close(): Promise<void>;
}

async function runConcurrently(jobs: number, limit: number, run: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < jobs) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(limit, jobs) }, worker));
}

async function createClientSubmitter({ redisUrl, namespace }: SubmitterSetup): Promise<Submitter> {
  const client = await createClient({ redisUrl, namespace });
  const submit = async (n: number) => {
    const { id } = await client.submitChat({ model: `${PROVIDER}/${MODEL}`, ...requestOf(n) });
    const record = await client.result(id);
    if (record.status !== "ok") throw new Error(`item ${n}: ${record.failure.message}`);
  };
  return { submitAll: (jobs) => runConcurrently(jobs, MAX_IN_FLIGHT, submit), close: () => client.close() };
}

async function createBareSubmitter({ redisUrl, namespace, kind }: SubmitterSetup): Promise<Submitter> {
  const connection = new Redis(new URL(redisUrl).pathname, { maxRetriesPerRequest: null });
  const queue = new Queue(BARE_QUEUE, {
    connection,
    prefix: namespace,
    defaultJobOptions: { removeOnComplete: true },
  });
  const add = (jobs: number) => runConcurrently(jobs, MAX_IN_FLIGHT, (n) => queue.add("chat", payloadOf(n)));
  const addBulk = async (jobs: number) => {
    for (let at = 0; at < jobs; at += BULK_SIZE) {
      const count = Math.min(BULK_SIZE, jobs - at);
      await queue.addBulk(Array.from({ length: count }, (_, n) => ({ name: "chat", data: payloadOf(at + n) })));
    }
  };
  return {
    submitAll: kind === "add" ? add : addBulk,
    async close() {
      await queue.close();
      await connection.quit();
    },
  };
}

async function createBatchSubmitter({ redisUrl, namespace, folder }: SubmitterSetup): Promise<Submitter> {
  const source = openRedis(parseRedisUrl(redisUrl));
  const keys = createKeys(namespace);
  const path = "requests.jsonl";
  let round = 0;
  await mkdir(folder, { recursive: true });
  return {
    async prepare(jobs) {
      round += 1;
      const lines = Array.from({ length: jobs }, (_, n) =>
        JSON.stringify({
          custom_id: `q-${n}`,
          method: "POST",
          url: "/v1/chat/completions",
          body: { model: `${PROVIDER}/${MODEL}`, ...requestOf(n) },
        }),
      );
      await writeFile(join(folder, path), lines.join("\n"));
    },
    async submitAll(jobs) {
      const dir = join(folder, `answers-${round}`);
      const batch = { path, model: undefined, registry: createRegistry(), skipInvalid: false, cwd: folder };
      const preparation = await prepareRun(
        { paths: [path], dir, force: false, sluiceVersion: "bench", now: Date.now() },
        createBatchPlanner(batch),
      );
      if (preparation.outcome !== "ready") throw new Error(`unexpected outcome of prepareRun: ${preparation.outcome}`);
      const { run } = preparation;
      const client = source.connect("commands");
      const report = await executeRun(run, createBatchExecution({ findMaxInputs: () => 1 }), {
        redis: source,
        keys,
        limiter: createRedisLimiter(client, keys),
        windowSize: WINDOW,
        lanes: [{ lane: { provider: PROVIDER, account: "default", model: MODEL }, limits: {} }],
        keepDatabase: false,
        clock: systemClock,
        onSnapshot: () => undefined,
        onEvent: () => undefined,
        signal: new AbortController().signal,
      });
      await run.unlock();
      if (report.items.succeeded !== jobs) throw new Error(`${report.items.succeeded} of ${jobs} succeeded`);
      await rm(dir, { recursive: true });
    },
    close: () => source.close(),
  };
}

const setup = JSON.parse(process.argv[2] ?? "{}") as SubmitterSetup;
const create = { client: createClientSubmitter, batch: createBatchSubmitter }[setup.kind as "client" | "batch"];
const submitter = await (create ?? createBareSubmitter)(setup);
serveParent(
  async ({ step, jobs }: SubmitterParams) =>
    step === "prepare" ? await submitter.prepare?.(jobs) : await submitter.submitAll(jobs),
  () => submitter.close(),
);
