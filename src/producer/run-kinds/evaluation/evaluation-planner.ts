import { findSourceDifferences } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import type { RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { type BatchManifest, isBatch } from "#src/producer/runs/run-manifest.ts";
import {
  type EvaluationPlan,
  type EvaluationSource,
  fingerprintEvaluation,
  planEvaluation,
} from "./plan-evaluation.ts";

/** Plans a run that asks models the questions of datasets. Its answers are scored when the run is complete. */
export function createEvaluationPlanner(source: EvaluationSource): RunPlanner<BatchManifest> {
  const { spec } = source;
  const models = [...new Set(spec.models.map(({ model }) => model))];
  return {
    models,
    plan: async (dir, hooks) => {
      const plan = await planEvaluation(source, dir, hooks);
      for (const adjustment of plan.adjustments) hooks.onNote?.(adjustment);
      return plan;
    },
    createManifest: (plan: EvaluationPlan, createBase) => ({
      ...createBase("chat"),
      kind: "chat",
      model: models.length > 3 ? `${models.slice(0, 3).join(", ")}, ${models.length - 3} more` : models.join(", "),
      models,
      endpoint: "/v1/chat/completions",
      evaluation: {
        name: spec.name,
        spec: spec.path,
        datasets: [...plan.datasets],
        models: spec.models.map(({ label }) => label),
        samples: spec.samples,
      },
      output: { format: "batch", files: [] },
    }),
    matchExistingRun: async (existing, hooks) => {
      if (!isBatch(existing) || existing.evaluation === undefined) return ["it is not an evaluation"];
      const paths = spec.datasets.map(({ path }) => path);
      const compared = { paths, fingerprint: await fingerprintEvaluation(source) };
      const differences = await findSourceDifferences(existing, compared, hooks);
      return differences.length > 0
        ? ["its datasets, prompts, models, parameters, or samples were different, or the datasets have changed since"]
        : existing;
    },
  };
}
