import { ProviderError } from "../core/errors.ts";
import type { EmbeddingModel } from "../providers/provider.ts";
import type { Ledger } from "../queue/ledger.ts";
import type { EmbeddingPayload } from "../queue/payload.ts";
import type { CallGroup } from "./call-group.ts";
import { type CommitDeps, recordFailure } from "./commit-records.ts";
import type { EmbeddingInput } from "./embedding-input.ts";
import { findGroup } from "./group-book.ts";
import { HandBack, JobTicket } from "./job-ticket.ts";

type EmbeddingGroup = CallGroup<EmbeddingInput, EmbeddingModel>;

export interface JobDeps {
  /** Undefined when this worker has no credentials; throws a ProviderError for a model the provider does not have. */
  readonly group: () => EmbeddingGroup | undefined;
  readonly isUrgent: boolean;
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly isStopping: () => boolean;
  /** The job has not been taken often: see `notNotedYet`. */
  readonly isNew: boolean;
  readonly commitDeps: CommitDeps;
}

/** A job taken this often without an orderly end is tried item by item, to find the one that kills workers. */
const SUSPECT_CLAIMS = 3;
/** An item that alone was taken this often without an orderly end gets a record that says so. */
export const MAX_ITEM_CLAIMS = 3;
export const PAUSED_DELAY_MS = 2_000;
export const FOREIGN_DELAY_MS = 3_000;

/**
 * Sees to it that every item of a job has its record. Resolves when all have; rejects with `HandBack` when the job
 * must go back to the queue. Items that have a record already are not called again.
 */
export async function processEmbeddingJob(
  jobId: string,
  payload: EmbeddingPayload,
  signal: AbortSignal | undefined,
  deps: JobDeps,
): Promise<void> {
  const { ledger } = deps;
  if (deps.isStopping()) throw new HandBack("the worker is stopping");
  const group = findGroup(deps.group);
  if (!group) throw new HandBack("this worker has no credentials for the model", FOREIGN_DELAY_MS);
  const indices = payload.items.map(([index]) => index);
  const claim = await ledger.claim(jobId, indices);
  if (claim.state === "paused") throw new HandBack("the run is paused", PAUSED_DELAY_MS);
  if (claim.state === "gone" && payload.item !== undefined && deps.isNew) throw notNotedYet();
  if (claim.state !== "running") return;

  try {
    const inputs = payload.items
      .map((item, i) => createInput(item, payload, claim.attempts[i] ?? 0, deps))
      .filter((_, i) => claim.open[i]);
    if (inputs.length === 0) return;
    if (group instanceof ProviderError) {
      const lost = inputs.map((input) => ({ ...input, ticket: new JobTicket(1) }));
      await recordFailure(lost, { kind: group.kind, message: group.message }, deps.commitDeps);
    } else if (claim.claims >= SUSPECT_CLAIMS) await processOneByOne(jobId, inputs, group, signal, deps);
    else await processTogether(inputs, group, signal, deps);
  } finally {
    await ledger.release(jobId, claim);
  }
}

/**
 * An item is noted while its job is being queued, so that a caller waits for one way to Redis and not for two. The job
 * may come first; it is dropped when its item is still unknown after some looks, because then it has expired.
 */
export function notNotedYet(): HandBack {
  return new HandBack("the item is not noted yet", 250);
}

type Draft = Omit<EmbeddingInput, "ticket">;

function createInput(
  [index, tokens, text]: EmbeddingPayload["items"][number],
  { run, item, trace }: EmbeddingPayload,
  attempts: number,
  { ledger, now, isUrgent }: JobDeps,
): Draft {
  return {
    runId: run ?? item ?? "",
    isUrgent,
    ledger,
    index,
    text,
    tokens,
    bytes: Buffer.byteLength(text),
    arrivedAt: now(),
    trace,
    attempts,
    charged: attempts,
    snoozes: 0,
  };
}

async function processTogether(
  drafts: readonly Draft[],
  group: EmbeddingGroup,
  signal: AbortSignal | undefined,
  { isStopping }: JobDeps,
): Promise<void> {
  const ticket = new JobTicket(drafts.length);
  const lost = () =>
    group.handBack(new HandBack("the job's lock was lost"), (input) => input.ticket === ticket);
  signal?.addEventListener("abort", lost, { once: true });
  try {
    group.submit(drafts.map((draft) => ({ ...draft, ticket })));
    // A stop may have come between the claim and the submit; the group no longer looks then.
    if (isStopping()) lost();
    await ticket.finished;
  } finally {
    signal?.removeEventListener("abort", lost);
  }
}

/** Each item with a claim of its own: after the next crash the count tells which one it was. */
async function processOneByOne(
  jobId: string,
  drafts: readonly Draft[],
  group: EmbeddingGroup,
  signal: AbortSignal | undefined,
  deps: JobDeps,
): Promise<void> {
  for (const draft of drafts) {
    if (deps.isStopping() || signal?.aborted) throw new HandBack("the worker is stopping");
    const claimId = `${jobId}/${draft.index}`;
    const claim = await deps.ledger.claim(claimId, [draft.index]);
    const { claims, state } = claim;
    if (state !== "running") return;
    const ticket = new JobTicket(1);
    const input = { ...draft, ticket };
    if (claims > MAX_ITEM_CLAIMS) {
      const message = `the worker died ${claims - 1} times while it worked on this item alone`;
      await recordFailure(
        [{ ...input, attempts: claims - 1 }],
        { kind: "crash-loop", message },
        deps.commitDeps,
      );
    } else {
      group.submitAlone(input);
    }
    try {
      await ticket.finished;
    } finally {
      // Also when the item goes back in order (a stop, a parked lane): only crashes may count against it.
      await deps.ledger.release(claimId, claim);
    }
  }
}
