import type { EmbeddingModel } from "../providers/provider.ts";
import type { Ledger } from "../queue/ledger.ts";
import type { EmbeddingPayload } from "../queue/payload.ts";
import type { CallGroup } from "./call-group.ts";
import type { EmbeddingInput } from "./embedding-input.ts";
import { findGroup } from "./group-book.ts";
import { FOREIGN_DELAY_MS, HandBack } from "./job-ticket.ts";
import { type ClaimDeps, type Draft, processClaim } from "./process-claim.ts";

export interface EmbeddingJobDeps extends ClaimDeps {
  /** Undefined when this worker has no credentials; throws a ProviderError for a model the provider does not have. */
  readonly group: () => CallGroup<EmbeddingInput, EmbeddingModel> | undefined;
  readonly ledger: Ledger;
}

/**
 * Sees to it that every item of an embedding job has its record. Rejects with `HandBack` when the job must go back to
 * the queue.
 */
export async function processEmbeddingJob(
  jobId: string,
  payload: EmbeddingPayload,
  signal: AbortSignal | undefined,
  deps: EmbeddingJobDeps,
): Promise<void> {
  if (deps.isStopping()) throw new HandBack("the worker is stopping");
  const group = findGroup(deps.group);
  if (!group) throw new HandBack("this worker has no credentials for the model", FOREIGN_DELAY_MS);
  const { run, item, items, trace } = payload;
  const draft = (position: number, attempts: number): Draft<EmbeddingInput> => {
    const [index, tokens, text] = items[position] ?? [0, 0, ""];
    return {
      runId: run ?? item ?? "",
      isUrgent: deps.isUrgent,
      ledger: deps.ledger,
      index,
      text,
      tokens,
      bytes: Buffer.byteLength(text),
      arrivedAt: deps.now(),
      trace,
      attempts,
      charged: attempts,
      snoozes: 0,
    };
  };
  await processClaim(
    {
      jobId,
      group,
      draft,
      signal,
      ledger: deps.ledger,
      indices: items.map(([index]) => index),
      isOwn: item !== undefined,
    },
    deps,
  );
}
