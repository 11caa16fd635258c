import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import { countNextJobItems, createJobShape } from "#src/producer/runs/feeding/plan-jobs.ts";
import { queueName } from "#src/queues/names.ts";
import type { EmbeddingPayload } from "#src/queues/payload.ts";

/** Jobs of an embedding run: each holds the inputs of a few upstream calls of `inputsPerCall` inputs. */
export function createEmbeddingJobs(
  payload: Omit<EmbeddingPayload, "items" | "v" | "kind">,
  inputsPerCall: number,
): JobFactory {
  const shape = createJobShape(inputsPerCall);
  const queue = queueName(payload.provider, "embedding");
  return {
    maxItems: shape.maxItems,
    countNextItems: (items, isLast) => countNextJobItems(items, shape, isLast),
    createJob: (items) => {
      const data: EmbeddingPayload = {
        v: 2,
        kind: "embedding",
        ...payload,
        items: items.map(({ index, tokens, text }) => [index, tokens, text]),
      };
      return { queue, name: "embed", data };
    },
  };
}
