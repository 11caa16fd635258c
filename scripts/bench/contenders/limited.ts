// Limiters in one process: Bottleneck with a reservoir or with minTime, p-queue with an interval cap or with a concurrency.
// A call that the provider rejects is retried after a second: with Bottleneck by its own retry, with p-queue in a loop.
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

class RejectedError extends Error {}

type Schedule = (call: () => Promise<number>) => Promise<number>;

function createSchedule({ limiter, requestsPerMinute, concurrency }: LimitedParams): Schedule {
  if (limiter === "p-queue-concurrency") {
    const queue = new PQueue({ concurrency });
    return (call) => queue.add(() => retryRejected(call));
  }
  if (limiter === "p-queue") {
    const queue = new PQueue({ interval: 60_000, intervalCap: requestsPerMinute });
    // p-queue has no retry: the task waits and calls again.
    return (call) => queue.add(() => retryRejected(call));
  }
  const bottleneck = new Bottleneck(
    limiter === "bottleneck-paced"
      ? { minTime: 60_000 / requestsPerMinute }
      : {
          reservoir: requestsPerMinute,
          reservoirRefreshAmount: requestsPerMinute,
          reservoirRefreshInterval: 60_000,
        },
  );
  bottleneck.on("failed", async (error) => (error instanceof RejectedError ? RETRY_MS : undefined));
  return (call) => bottleneck.schedule(call);
}

async function retryRejected(call: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
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
    if (!answer.vectors) throw new RejectedError();
    return answer.vectors.length;
  };
  const counts = await Promise.all(splitIntoBatches(texts).map((batch) => schedule(() => call(batch))));
  await dispatcher.close();
  return { vectors: counts.reduce((sum, count) => sum + count, 0), dimensions: 1536 };
});
