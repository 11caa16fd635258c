import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import { countNextJobItems, createJobShape } from "#src/producer/runs/feeding/plan-jobs.ts";
import { queueName } from "#src/queues/names.ts";
import type { EmbeddingPayload } from "#src/queues/payload.ts";

/** Jobs of an embedding run: the inputs of a few upstream calls of `batchInputs` each. */
export function createEmbeddingJobs(
  payload: Omit<EmbeddingPayload, "items" | "v" | "kind">,
  inputsPerCall: number,
): JobFactory {
  const shape = createJobShape(inputsPerCall);
  const queue = queueName(payload.provider, "embedding");
  return {
    maxItems: shape.maxItems,
    plan: (items, last) => countNextJobItems(items, shape, last),
    createJob: (items) => {
      const data: EmbeddingPayload = {
        v: 1,
        kind: "embedding",
        ...payload,
        items: items.map(({ index, tokens, text }) => [index, tokens, text]),
      };
      return { queue, name: "embed", data };
    },
  };
}
