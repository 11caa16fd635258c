import { RunError } from "#src/core/errors.ts";
import { findSourceDifferences } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import type { RunPlanning } from "#src/producer/runs/prepare-run.ts";
import { type BatchManifest, isBatch } from "#src/producer/runs/run-manifest.ts";
import { type BatchPlan, type BatchSource, fingerprintBatch, planBatch } from "./plan-batch.ts";

/** Models that a run is listed under by name; of more, the number. */
const NAMED_MODELS = 3;

/** Plans the requests of a file in OpenAI's batch format, to be answered by the models they name. */
export function planBatchRun(source: BatchSource): RunPlanning<BatchManifest, BatchPlan> {
  return {
    plan: (work, hooks) => planBatch(source, work, hooks),
    createManifest: ({ endpoint, models, dimensions, askedDimensions }, createBaseManifest) => {
      if (endpoint === undefined) throw new RunError("a plan without requests cannot be run");
      const kind = endpoint === "/v1/embeddings" ? ("embedding" as const) : ("chat" as const);
      return {
        ...createBaseManifest(kind),
        kind,
        model: registerModels(models),
        models: [...models],
        endpoint,
        ...(dimensions === undefined ? {} : { dimensions }),
        ...(askedDimensions === undefined ? {} : { askedDimensions }),
        output: { format: "batch", files: [] },
      };
    },
    matchExistingRun: async (existing, hooks) => {
      if (!isBatch(existing)) return ["it is no run from a file of requests"];
      const fingerprint = await fingerprintBatch(source);
      const sources = { ...source, paths: [source.path], fingerprint };
      const differences = await findSourceDifferences(existing, sources, hooks);
      return differences.length > 0 ? differences : existing;
    },
  };
}

function registerModels(models: readonly string[]): string {
  const more = models.length - NAMED_MODELS;
  return [...models.slice(0, NAMED_MODELS), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
