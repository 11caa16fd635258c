import { RunError } from "#src/core/failures/errors.ts";
import { findSourceDifferences } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import type { RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { type BatchManifest, isBatch } from "#src/producer/runs/run-manifest.ts";
import { type BatchPlan, type BatchSource, fingerprintBatch, planBatch } from "./read-batch-file.ts";

/** Maximum number of models that are named in lists of runs; further ones are counted. */
const NAMED_MODELS = 3;

/** Plans a run that sends the requests of a file in OpenAI's batch format to the models that they name. */
export function createBatchPlanner(source: BatchSource): RunPlanner<BatchManifest> {
  return {
    plan: async (dir, hooks) => {
      const plan = await planBatch(source, dir, hooks);
      for (const adjustment of plan.adjustments) hooks.onNote?.(adjustment);
      return plan;
    },
    createManifest: (plan: BatchPlan, createBase) => {
      const { endpoint, models, dimensions, askedDimensions, embeddingOptions, tokenIds } = plan;
      if (endpoint === undefined) throw new RunError("the input has no requests");
      const kind = endpoint === "/v1/embeddings" ? ("embedding" as const) : ("chat" as const);
      return {
        ...createBase(kind),
        kind,
        model: describeModels(models),
        models: [...models],
        endpoint,
        dimensions,
        askedDimensions,
        embeddingOptions,
        tokenIds,
        output: { format: "batch", files: [] },
      };
    },
    matchExistingRun: async (existing, hooks) => {
      if (!isBatch(existing) || existing.kind === "rerank") return ["it is not a batch run"];
      const fingerprint = await fingerprintBatch(source);
      const sources = { ...source, paths: [source.path], fingerprint };
      const differences = await findSourceDifferences(existing, sources, hooks);
      return differences.length > 0 ? differences : existing;
    },
  };
}

function describeModels(models: readonly string[]): string {
  const named = models.slice(0, NAMED_MODELS);
  return models.length > named.length ? `${named.join(", ")}, ${models.length - named.length} more` : named.join(", ");
}
