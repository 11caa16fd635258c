import type { EmbeddingModel } from "#src/providers/provider.ts";
import type { EmbeddingPayload } from "#src/queues/payload.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import { findDispatcher } from "#src/workers/dispatch/dispatcher-registry.ts";
import type { EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import type { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import { type ClaimDeps, type InputDraft, processClaim } from "./process-claim.ts";
import { NO_CREDENTIALS_DELAY_MS, ReturnToQueue } from "./return-to-queue.ts";

export interface EmbeddingJobDeps extends ClaimDeps {
  /**
   * Returns undefined when this worker has no credentials; throws a ProviderError when the provider lacks the model.
   */
  readonly dispatcher: () => ModelDispatcher<EmbeddingInput, EmbeddingModel> | undefined;
  readonly ledger: Ledger;
}

/**
 * Makes sure that every item of an embedding job has its record. Rejects with `ReturnToQueue` when the job must return
 * to the queue.
 */
export async function processEmbeddingJob(
  jobId: string,
  payload: EmbeddingPayload,
  signal: AbortSignal | undefined,
  deps: EmbeddingJobDeps,
): Promise<void> {
  if (deps.isStopping()) throw new ReturnToQueue("the worker is stopping");
  const dispatcher = findDispatcher(deps.dispatcher);
  if (!dispatcher) throw new ReturnToQueue("this worker has no credentials for the model", NO_CREDENTIALS_DELAY_MS);
  const { run, item, items, tenant, canaries, trace } = payload;
  const createDrafts = (position: number, attempts: number): InputDraft<EmbeddingInput>[] => {
    const [index, tokens, text] = items[position] ?? [0, 0, ""];
    const draft = {
      runId: run ?? item ?? "",
      isStandalone: item !== undefined,
      tenant,
      isInteractive: deps.isInteractive,
      ledger: deps.ledger,
      index,
      text,
      hasCanaries: canaries === true,
      tokens,
      bytes: Buffer.byteLength(text),
      arrivedAt: deps.now(),
      trace,
      attempts,
      chargedAttempts: attempts,
      snoozes: 0,
    };
    return [draft];
  };
  await processClaim(
    {
      jobId,
      dispatcher,
      createDrafts,
      signal,
      ledger: deps.ledger,
      indices: items.map(([index]) => index),
      isStandalone: item !== undefined,
    },
    deps,
  );
}
