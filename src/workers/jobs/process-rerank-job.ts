import { UnrecoverableError } from "bullmq";
import type { RerankModel, RerankRequest } from "#src/providers/provider.ts";
import { type RerankPayload, rerankRequestSchema } from "#src/queues/payload.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import { AnswerCollector } from "#src/workers/dispatch/answer-collector.ts";
import { findDispatcher } from "#src/workers/dispatch/dispatcher-registry.ts";
import { combineRankings, splitDocuments } from "#src/workers/dispatch/document-groups.ts";
import { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import type { RerankInput } from "#src/workers/dispatch/rerank-input.ts";
import { type ClaimDeps, type InputDraft, processClaim } from "./process-claim.ts";
import { NO_CREDENTIALS_DELAY_MS, ReturnToQueue } from "./return-to-queue.ts";

export interface RerankJobDeps extends ClaimDeps {
  /** Returns undefined when this worker has no credentials; throws a ProviderError when the provider lacks the model. */
  readonly dispatcher: () => ModelDispatcher<RerankInput, RerankModel> | undefined;
  readonly ledger: Ledger;
  /** Reads a request that was too large for its job, as JSON; undefined if it is missing. */
  readonly readLargeRequest: (index: number) => Promise<string | undefined>;
}

/** Takes the place of a request that has not been read; it is never sent. */
const PLACEHOLDER_REQUEST: RerankRequest = { query: "", documents: [] };

/**
 * Makes sure that every item of a rerank job has its record. Rejects with `ReturnToQueue` when the job must return to the
 * queue.
 */
export async function processRerankJob(
  jobId: string,
  { run, item, items, tenant, trace }: RerankPayload,
  signal: AbortSignal | undefined,
  deps: RerankJobDeps,
): Promise<void> {
  if (deps.isStopping()) throw new ReturnToQueue("the worker is stopping");
  const dispatcher = findDispatcher(deps.dispatcher);
  if (!dispatcher) throw new ReturnToQueue("this worker has no credentials for the model", NO_CREDENTIALS_DELAY_MS);
  const { ledger, isInteractive } = deps;
  const requests: (RerankRequest | null)[] = items.map(({ request }) => request);
  const prepare = async (open: readonly number[]) => {
    for (const position of open) requests[position] ??= await readRequest(items[position]?.index ?? 0, deps);
    return new Map();
  };
  const maxDocuments =
    dispatcher instanceof ModelDispatcher
      ? Math.min(...dispatcher.models.map((model) => model.maxDocuments))
      : Number.POSITIVE_INFINITY;
  const createDrafts = (position: number, attempts: number): InputDraft<RerankInput>[] => {
    const { index = 0, tokens = 0 } = items[position] ?? {};
    const groups = splitDocuments(requests[position] ?? PLACEHOLDER_REQUEST, maxDocuments);
    const collector = groups.length > 1 ? new AnswerCollector(groups.length, combineRankings) : undefined;
    return groups.map((request, group) => ({
      runId: run ?? item ?? "",
      tenant,
      ledger,
      isInteractive,
      index,
      tokens: Math.ceil(tokens / groups.length),
      trace,
      bytes: 0,
      arrivedAt: deps.now(),
      request,
      part: collector && { position: group, collector },
      attempts,
      chargedAttempts: attempts,
      snoozes: 0,
    }));
  };
  const indices = items.map(({ index }) => index);
  const isStandalone = item !== undefined;
  await processClaim({ jobId, ledger, indices, isStandalone, prepare, createDrafts, dispatcher, signal }, deps);
}

/** A missing request fails the job instead of the item: the run's coordinator still has it and queues it again. */
async function readRequest(index: number, { readLargeRequest }: RerankJobDeps): Promise<RerankRequest> {
  const text = await readLargeRequest(index);
  if (text === undefined) throw new UnrecoverableError("an oversized request of this job is missing in Redis");
  return rerankRequestSchema.parse(JSON.parse(text));
}
