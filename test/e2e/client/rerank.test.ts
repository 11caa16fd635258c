import { expect, test } from "vitest";
import { createClient } from "#src/producer/client/create-client.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { hasRedisServer, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

test.skipIf(!hasRedisServer())("a ranking survives kill -9 of its worker in the middle of its calls", async () => {
  await using cleanups = new AsyncDisposableStack();
  const redis = await startRedisProcess();
  cleanups.defer(() => redis.stop());
  const sandbox = cleanups.use(await CliSandbox.open({ env: { REDIS_URL: redis.url } }));
  const client = await createClient({ redisUrl: redis.url });
  cleanups.defer(() => client.close());
  const { simulator } = sandbox;
  const env = {
    TEXT_EMBEDDINGS_INFERENCE_API_KEY: SIMULATOR_API_KEY,
    TEXT_EMBEDDINGS_INFERENCE_BASE_URL: simulator.openaiUrl,
  };
  const worker = sandbox.start(["worker"], { env });
  const release = simulator.hold();
  const documents = Array.from({ length: 70 }, (_, n) => (n === 33 ? "spring birds" : `stone ${n}`));
  const request = { model: "text-embeddings-inference/m", query: "spring birds", documents };
  const { id } = await client.submitRerank(request);
  await waitFor(() => simulator.statistics().inFlight > 0, { what: "a call" });
  worker.killGroup("SIGKILL");
  await worker.exit;
  release();
  sandbox.start(["worker"], { env });
  const record = await client.ranking(id, { timeoutMs: 60_000 });
  expect(record).toMatchObject({ status: "ok", attempts: 1 });
  const results = record.status === "ok" ? record.response.results : [];
  expect(results).toHaveLength(70);
  expect(results[0]?.index).toBe(33);
});
