import { allowsModel } from "#src/state/api-keys/api-key.ts";
import type { BatchProblem } from "./batch-object.ts";
import type { BatchCall } from "./read-batch-calls.ts";

/** The first request for a model that the key of the batch may not use. */
export async function findForbiddenModel(
  calls: AsyncIterable<BatchCall>,
  allowed: readonly string[],
): Promise<BatchProblem | undefined> {
  for await (const { model, line } of calls) {
    if (allowsModel({ models: [...allowed] }, model)) continue;
    const message = `The key of this batch may not use the model ${JSON.stringify(model.slice(0, 200))}.`;
    return { code: "model_not_allowed", message, param: "body.model", line };
  }
  return undefined;
}
