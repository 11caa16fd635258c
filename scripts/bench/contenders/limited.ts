// Limiters in one process: Bottleneck with a reservoir or with a pause between calls, p-queue with an interval cap or
// with so many calls at once.
// A call the provider rejects is made again after a second, as each library has it: Bottleneck by its own retry.
import { setTimeout as sleep } from "node:timers/promises";
import Bottleneck from "bottleneck";
import PQueue from "p-queue";
import { Agent, request } from "undici";
import { type ContenderParams, runContender, splitIntoBatches } from "./contender.ts";

export type LimiterName = "bottleneck-burst" | "bottleneck-paced" | "p-queue" | "p-queue-concurrency";

export interface LimitedParams extends ContenderParams {
  readonly limiter: LimiterName;
  readonly requestsPerMinute: number;
}

const RETRY_MS = 1_000;

class Rejected extends Error {}

type Schedule = (call: () => Promise<number>) => Promise<number>;

function createSchedule({ limiter, requestsPerMinute: perMinute, concurrency }: LimitedParams): Schedule {
  if (limiter === "p-queue-concurrency") {
    const queue = new PQueue({ concurrency });
    return (call) => queue.add(() => retryRejected(call));
  }
  if (limiter === "p-queue") {
    const queue = new PQueue({ interval: 60_000, intervalCap: perMinute });
    // It has no retry of its own: the task waits and calls again.
    return (call) => queue.add(() => retryRejected(call));
  }
  const bottleneck = new Bottleneck(
    limiter === "bottleneck-paced"
      ? { minTime: 60_000 / perMinute }
      : { reservoir: perMinute, reservoirRefreshAmount: perMinute, reservoirRefreshInterval: 60_000 },
  );
  bottleneck.on("failed", async (error) => (error instanceof Rejected ? RETRY_MS : undefined));
  return (call) => bottleneck.schedule(call);
}

async function retryRejected(call: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      await sleep(RETRY_MS);
    }
  }
}

await runContender(async (texts, params) => {
  const { url, apiKey } = params;
  const dispatcher = new Agent({ connections: 1_000 });
  const schedule = createSchedule(params as LimitedParams);
  const call = async (batch: readonly string[]) => {
    const { body } = await request(`${url}/embeddings`, {
      dispatcher,
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ model: "embo-01", texts: batch, type: "db" }),
    });
    const answer = JSON.parse(await body.text()) as { vectors: number[][] | null };
    if (!answer.vectors) throw new Rejected();
    return answer.vectors.length;
  };
  const counts = await Promise.all(splitIntoBatches(texts).map((batch) => schedule(() => call(batch))));
  await dispatcher.close();
  return { vectors: counts.reduce((sum, count) => sum + count, 0), dimensions: 1536 };
});
