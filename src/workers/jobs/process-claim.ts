import { ProviderError } from "#src/core/errors.ts";
import type { Failure } from "#src/core/item.ts";
import type { Ledger } from "#src/state/records/ledger.ts";
import type { Claim } from "#src/state/runs/run-ledger.ts";
import { type CommitDeps, recordFailure } from "#src/workers/calls/commit-records.ts";
import type { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { JobCompletion, PAUSED_DELAY_MS, ReturnToQueue } from "./job-completion.ts";

/** What the items of any job need of the worker that holds it. */
export interface ClaimDeps {
  readonly now: () => number;
  readonly isStopping: () => boolean;
  readonly isInteractive: boolean;
  /** The job has not been taken often: see `notNotedYet`. */
  readonly isRecentlyQueued: boolean;
  readonly commitDeps: CommitDeps;
}

/** An input before it is known with which others it goes. */
export type InputDraft<I extends PendingInput> = Omit<I, "completion">;

/** Items that one ledger keeps, and how they become inputs. */
export interface ClaimRequest<I extends PendingInput, M> {
  readonly jobId: string;
  readonly ledger: Ledger;
  readonly indices: readonly number[];
  /** Submitted on their own; such items are noted while their job is being queued. */
  readonly isStandalone: boolean;
  /** One item, of which somebody waits for the first word. */
  readonly canReserveEarly?: boolean;
  readonly draft: (position: number, attempts: number) => InputDraft<I>;
  /** Comes before the drafts of the items at these positions; says by position what fails without a call. */
  readonly prepare?: (open: readonly number[]) => Promise<ReadonlyMap<number, Failure>>;
  /** The model's group, or why there is no such model. */
  readonly dispatcher: ModelDispatcher<I, M> | ProviderError;
  readonly signal: AbortSignal | undefined;
}

/** Items taken this often without an orderly end are tried one by one, to find the one that kills workers. */
const SUSPECT_CLAIMS = 3;
/** An item that alone was taken this often without an orderly end gets a record that says so. */
const MAX_ITEM_CLAIMS = 3;

const REGISTRATION_CHECKS = 4;
const REGISTRATION_PAUSE_MS = 50;

/**
 * Sees to it that every item has its record. Resolves when all have; rejects with `HandBack` when their job must go
 * back to the queue. Items that have a record already are not called again.
 */
export async function processClaim<I extends PendingInput, M>(
  claimRequest: ClaimRequest<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  const { jobId, ledger, indices, isStandalone, draft, prepare, dispatcher } = claimRequest;
  const early = reserveEarly(claimRequest, deps);
  const claim = await claimRegistered(claimRequest, deps).catch((error) => {
    early?.decide(undefined);
    throw error;
  });
  const canContinue = early?.decide(claim);
  if (claim.state === "paused") throw new ReturnToQueue("the run is paused", PAUSED_DELAY_MS, { isExponential: true });
  if (claim.state === "gone" && isStandalone && deps.isRecentlyQueued) throw itemNotRegistered();
  if (claim.state !== "running") return;
  try {
    if (canContinue) return await early?.work;
    const drafts: InputDraft<I>[] = [];
    const open = [...indices.keys()].filter((position) => claim.open[position]);
    const failures = await prepare?.(open);
    for (const position of open) {
      const made = draft(position, claim.attempts[position] ?? 0);
      const failure = failures?.get(position) ?? findFailure(dispatcher, claim.claims, indices.length);
      if (failure) await recordDraftFailure(made, failure, deps);
      else drafts.push(made);
    }
    if (drafts.length === 0 || dispatcher instanceof ProviderError) return;
    const isSuspect = claim.claims >= SUSPECT_CLAIMS && indices.length > 1;
    if (isSuspect) await processOneByOne(drafts, { ...claimRequest, dispatcher }, deps);
    else await processTogether(drafts, { ...claimRequest, dispatcher }, deps);
  } finally {
    await ledger.release(jobId, claim);
  }
}

/** A job that came before the note of its item looks a few times before it goes back, as it may carry others as well. */
async function claimRegistered<I extends PendingInput, M>(
  { jobId, ledger, indices, isStandalone }: ClaimRequest<I, M>,
  { isRecentlyQueued, commitDeps }: ClaimDeps,
): Promise<Claim> {
  for (let checks = 1; ; checks += 1) {
    const claim = await ledger.claim(jobId, indices);
    if (claim.state !== "gone" || !isStandalone || !isRecentlyQueued || checks === REGISTRATION_CHECKS) return claim;
    await commitDeps.clock.sleep(REGISTRATION_PAUSE_MS);
  }
}

/**
 * An item is noted while its job is being queued, so that a caller waits for one way to Redis and not for two. The job
 * may come first; it is dropped when its item is still unknown after some looks, because then it has expired.
 */
function itemNotRegistered(): ReturnToQueue {
  return new ReturnToQueue("the item is not noted yet", 250);
}

function findFailure(dispatcher: unknown, claims: number, items: number): Failure | undefined {
  if (dispatcher instanceof ProviderError) return { kind: dispatcher.kind, message: dispatcher.message };
  if (items > 1 || claims <= MAX_ITEM_CLAIMS) return undefined;
  return { kind: "crash-loop", message: `the worker died ${claims - 1} times while it worked on this item` };
}

async function recordDraftFailure<I extends PendingInput>(
  draft: InputDraft<I>,
  failure: Failure,
  { commitDeps }: ClaimDeps,
): Promise<void> {
  await recordFailure([{ ...(draft as I), completion: new JobCompletion(1) }], failure, commitDeps);
}

interface EarlyReservation {
  /** What came of the claim (undefined: it failed); true when the item is on its way. */
  readonly decide: (claim: Claim | undefined) => boolean;
  readonly work: Promise<void>;
}

/**
 * Somebody waits for the answer to an item of their own: its reservation is asked for while it is being claimed, which
 * saves one way to Redis and back. Should the claim say no, the reservation is given back unused.
 */
function reserveEarly<I extends PendingInput, M>(
  claimRequest: ClaimRequest<I, M>,
  deps: ClaimDeps,
): EarlyReservation | undefined {
  const { dispatcher, draft } = claimRequest;
  if (!claimRequest.canReserveEarly || dispatcher instanceof ProviderError) return undefined;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const completion = new JobCompletion(1);
  const input = { ...draft(0, 0), completion, claim: promise } as unknown as I;
  const work = submit([input], completion, { ...claimRequest, dispatcher }, deps);
  // Rejects also when the item does not go on, and nobody waits for it then.
  work.catch(() => undefined);
  return {
    work,
    decide(claim) {
      const canContinue = claim?.state === "running" && claim.open[0] === true && claim.claims <= MAX_ITEM_CLAIMS;
      input.attempts = claim?.attempts[0] ?? 0;
      input.chargedAttempts = input.attempts;
      resolve(canContinue);
      if (!canContinue)
        dispatcher.returnToQueue(new ReturnToQueue("it was not to be claimed"), (one) => one.completion === completion);
      return canContinue;
    },
  };
}

type DispatchableClaim<I extends PendingInput, M> = ClaimRequest<I, M> & {
  readonly dispatcher: ModelDispatcher<I, M>;
};

async function processTogether<I extends PendingInput, M>(
  drafts: readonly InputDraft<I>[],
  claimRequest: DispatchableClaim<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  const completion = new JobCompletion(drafts.length);
  const inputs = drafts.map((draft) => ({ ...draft, completion }) as unknown as I);
  await submit(inputs, completion, claimRequest, deps);
}

async function submit<I extends PendingInput, M>(
  inputs: readonly I[],
  completion: JobCompletion,
  { dispatcher, signal }: DispatchableClaim<I, M>,
  { isStopping }: ClaimDeps,
): Promise<void> {
  const onLockLost = () =>
    dispatcher.returnToQueue(new ReturnToQueue("the job's lock was lost"), (one) => one.completion === completion);
  signal?.addEventListener("abort", onLockLost, { once: true });
  try {
    dispatcher.submit(inputs);
    // A stop may have come between the claim and the submit; the group no longer looks then.
    if (isStopping()) onLockLost();
    await completion.finished;
  } finally {
    signal?.removeEventListener("abort", onLockLost);
  }
}

/** Each item with a claim of its own: after the next crash the count tells which one it was. */
async function processOneByOne<I extends PendingInput, M>(
  drafts: readonly InputDraft<I>[],
  { jobId, ledger, dispatcher, signal }: DispatchableClaim<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  for (const draft of drafts) {
    if (deps.isStopping() || signal?.aborted) throw new ReturnToQueue("the worker is stopping");
    const claimId = `${jobId}/${draft.index}`;
    const claim = await ledger.claim(claimId, [draft.index]);
    const { claims, state } = claim;
    if (state !== "running") return;
    const completion = new JobCompletion(1);
    if (claims > MAX_ITEM_CLAIMS) {
      const message = `the worker died ${claims - 1} times while it worked on this item alone`;
      const input = { ...(draft as I), completion, attempts: claims - 1 };
      await recordFailure([input], { kind: "crash-loop", message }, deps.commitDeps);
    } else {
      dispatcher.submitAlone({ ...draft, completion } as unknown as I);
    }
    try {
      await completion.finished;
    } finally {
      // Also when the item goes back in order (a stop, a parked lane): only crashes may count against it.
      await ledger.release(claimId, claim);
    }
  }
}
