import type { Item } from "#src/core/item.ts";
import { requireModelName } from "#src/core/model-name.ts";
import { countNextChatJobItems } from "#src/producer/run-kinds/batch/chat-jobs.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import { queueName } from "#src/queues/names.ts";
import { CALLS_PER_JOB, MAX_JOB_BYTES, type RerankPayload, rerankRequestSchema } from "#src/queues/payload.ts";
import type { OversizedRequests } from "#src/state/runs/oversized-requests.ts";

/** Jobs of a rerank run; like those of a chat run, they carry a few requests, and large ones are stored in Redis beside them. */
export function createRerankJobs(run: string, fullName: string, requests: OversizedRequests): JobFactory {
  const { provider, model } = requireModelName(fullName);
  const toJobItem = async ({ index, text, tokens }: Item) => {
    const request = rerankRequestSchema.parse(JSON.parse(text));
    if (Buffer.byteLength(text) <= MAX_JOB_BYTES) return { index, tokens, request };
    await requests.put(index, JSON.stringify(request));
    return { index, tokens, request: null };
  };
  return {
    maxItems: CALLS_PER_JOB * 4,
    countNextItems: countNextChatJobItems,
    createJob: async (items) => {
      const jobItems = await Promise.all(items.map(toJobItem));
      const data: RerankPayload = { v: 2, kind: "rerank", provider, model, run, items: jobItems };
      return { queue: queueName(provider, "rerank"), name: "rerank", data };
    },
  };
}
