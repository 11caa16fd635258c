import { requireModelName } from "#src/core/model-name.ts";
import { type AnswerCacheSettings, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunRerankKey } from "#src/producer/cache/run-answer-keys.ts";
import { findSourceDifferences } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import type { RunExecution, RunParts, RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { type BatchManifest, isBatch } from "#src/producer/runs/run-manifest.ts";
import { openRunStore } from "#src/producer/storage/open-run-store.ts";
import { queueName } from "#src/queues/names.ts";
import { OversizedRequests } from "#src/state/runs/oversized-requests.ts";
import { fingerprintRerank, planRerank, type RerankSource } from "./read-queries.ts";
import { createRerankJobs } from "./rerank-jobs.ts";
import { writeRerankOutput } from "./write-rerank-output.ts";

/** Lower than for chat requests, because a request has up to a thousand documents. */
const DEFAULT_WINDOW = 500;

/** Plans a run that ranks documents for queries; `top` limits the documents per query in the output. */
export function createRerankPlanner(source: RerankSource, top: number | undefined): RunPlanner<BatchManifest> {
  const model = `${source.provider}/${source.model.name}`;
  return {
    models: [model],
    plan: (dir, hooks) => planRerank(source, dir, hooks),
    createManifest: (_, createBase) => ({
      ...createBase("rerank"),
      kind: "rerank",
      model,
      models: [model],
      endpoint: "/v1/rerank",
      output: { format: "batch", files: [], top },
    }),
    matchExistingRun: async (existing, hooks) => {
      if (!isBatch(existing) || existing.kind !== "rerank") return ["it is not a rerank run"];
      if (existing.model !== model) return [`it uses the model ${existing.model}`];
      const paths = [source.queries, ...source.documents];
      const compared = { ...source, paths, fingerprint: await fingerprintRerank(source) };
      const differences = await findSourceDifferences(existing, compared, hooks);
      return differences.length > 0 ? differences : { ...existing, output: { ...existing.output, top } };
    },
  };
}

/** Ranks documents and writes one line per query. */
export function createRerankExecution(cache?: AnswerCacheSettings): RunExecution<BatchManifest> {
  return {
    defaultWindow: DEFAULT_WINDOW,
    listModels: ({ models }) => models,
    getInputsPerCall: () => 1,
    open: ({ dir, manifest: { run, model, items, output } }, services): RunParts => {
      const requests = new OversizedRequests(services.client, services.keys.run(run));
      return {
        jobs: {
          factory: createRerankJobs(run, model, requests),
          queues: [queueName(requireModelName(model).provider, "rerank")],
        },
        records: {
          openStore: () => openRunStore(dir, { items: items.total, now: () => services.clock.now() }),
          openAnswerResolver:
            cache && (() => openAnswerResolver(run, { ...cache, ...services }, createRunRerankKey(cache, model))),
          // If this fails, the requests stay in Redis until the keys of the run expire.
          onStored: (records) => void requests.drop(records.map(({ index }) => index)).catch(() => undefined),
        },
        writesWhileRunning: true,
        writeOutput: (store, hooks) => writeRerankOutput(store, dir, { model, top: output.top, ...hooks }),
      };
    },
  };
}
