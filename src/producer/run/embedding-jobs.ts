import { queueName } from "../../queue/names.ts";
import type { EmbeddingPayload } from "../../queue/payload.ts";
import type { JobFactory } from "./job-maker.ts";
import { countNextJobItems, createJobShape } from "./plan-jobs.ts";

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
