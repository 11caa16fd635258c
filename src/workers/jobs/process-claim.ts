import { addAbortListener } from "node:events";
import { coerceError, ProviderError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { Claim } from "#src/state/runs/run-ledger.ts";
import { type CommitDeps, recordFailure } from "#src/workers/calls/commit-records.ts";
import type { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import type { CallGuard, PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { JobCompletion } from "./job-completion.ts";
import { PAUSED_DELAY_MS, ReturnToQueue } from "./return-to-queue.ts";

/** What processing items needs from the worker that holds their job. */
export interface ClaimDeps {
  readonly now: () => number;
  readonly isStopping: () => boolean;
  readonly isInteractive: boolean;
  /** The job has not been started often; see `itemNotRegistered`. */
  readonly isRecentlyQueued: boolean;
  readonly commitDeps: CommitDeps;
}

/** An input before it is known which inputs it shares a completion with. */
export type InputDraft<I extends PendingInput> = Omit<I, "completion">;

/** Items of one ledger, and how to create inputs from them. */
export interface ClaimRequest<I extends PendingInput, M> {
  readonly jobId: string;
  readonly ledger: Ledger;
  readonly indices: readonly number[];
  /** Standalone items are registered while their job is being queued. */
  readonly isStandalone: boolean;
  /** A single item whose first delta a person waits for. */
  readonly canReserveEarly?: boolean;
  /** The inputs of an item; several if it needs several calls. */
  readonly createDrafts: (position: number, attempts: number) => readonly InputDraft<I>[];
  /** Runs before the drafts of the items at these positions are created; returns failures by position. */
  readonly prepare?: (open: readonly number[]) => Promise<ReadonlyMap<number, Failure>>;
  /** The model's dispatcher, or the error that there is no such model. */
  readonly dispatcher: ModelDispatcher<I, M> | ProviderError;
  readonly signal: AbortSignal | undefined;
}

/**
 * Items that were claimed this often without being released are called one by one, to find the one that crashes workers.
 * Most of them were never in a call: a worker holds many more jobs than calls.
 */
const SUSPECT_CLAIMS = 3;
/** An item fails as `crash-loop` when this many of its calls, each of it alone, never ended. */
const MAX_ITEM_CRASHES = 3;

const REGISTRATION_CHECKS = 4;
const REGISTRATION_PAUSE_MS = 50;

/**
 * Makes sure that every item has its record. Resolves when all have one; rejects with `ReturnToQueue` when their job
 * must return to the queue. Items that already have a record are not called again.
 */
export async function processClaim<I extends PendingInput, M>(
  claimRequest: ClaimRequest<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  const { jobId, ledger, indices, isStandalone, createDrafts, prepare, dispatcher } = claimRequest;
  const early = reserveEarly(claimRequest, deps);
  const claim = await claimRegistered(claimRequest, deps).catch((error) => {
    early?.resolve(undefined);
    throw error;
  });
  const canContinue = early?.resolve(claim);
  if (claim.state === "paused") throw new ReturnToQueue("the run is paused", PAUSED_DELAY_MS, { isExponential: true });
  if (claim.state === "gone" && isStandalone && deps.isRecentlyQueued) throw itemNotRegistered();
  if (claim.state !== "running") return;
  try {
    if (canContinue) return await early?.finished;
    const drafts: InputDraft<I>[] = [];
    const open = [...indices.keys()].filter((position) => claim.open[position]);
    const failures = await prepare?.(open);
    for (const position of open) {
      const inputs = createDrafts(position, claim.attempts[position] ?? 0);
      const failure = failures?.get(position) ?? findFailure(dispatcher);
      if (!failure) drafts.push(...inputs);
      else if (inputs[0]) await recordDraftFailure(inputs[0], failure, deps);
    }
    if (drafts.length === 0 || dispatcher instanceof ProviderError) return;
    if (claim.claims >= SUSPECT_CLAIMS) await processOneByOne(drafts, { ...claimRequest, dispatcher }, deps);
    else await processTogether(drafts, { ...claimRequest, dispatcher }, deps);
  } finally {
    await ledger.release(jobId, claim);
  }
}

/**
 * Claims the items. A job that is faster than the registration of its item retries a few times before it returns to the
 * queue.
 */
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
 * An item is registered while its job is being queued, so that submitting takes one round trip to Redis instead of two.
 * The job may arrive first. It is dropped when its item is still unknown after several starts: the item has expired.
 */
function itemNotRegistered(): ReturnToQueue {
  return new ReturnToQueue("the item is not registered yet", 250);
}

function findFailure(dispatcher: unknown): Failure | undefined {
  return dispatcher instanceof ProviderError ? { kind: dispatcher.kind, message: dispatcher.message } : undefined;
}

async function recordDraftFailure<I extends PendingInput>(
  draft: InputDraft<I>,
  failure: Failure,
  { commitDeps }: ClaimDeps,
): Promise<void> {
  await recordFailure([{ ...(draft as I), completion: new JobCompletion(1) }], failure, commitDeps);
}

interface EarlyReservation {
  /** Takes the outcome of the claim (undefined if it failed). Returns true when the item is being processed. */
  readonly resolve: (claim: Claim | undefined) => boolean;
  readonly finished: Promise<void>;
}

/**
 * A person waits for the answer to a standalone item, so its reservation is requested while it is being claimed. This
 * saves a round trip to Redis. If the claim fails, the reservation is released unused.
 */
function reserveEarly<I extends PendingInput, M>(
  claimRequest: ClaimRequest<I, M>,
  deps: ClaimDeps,
): EarlyReservation | undefined {
  const { dispatcher, createDrafts } = claimRequest;
  if (!claimRequest.canReserveEarly || dispatcher instanceof ProviderError) return undefined;
  const [draft, ...others] = createDrafts(0, 0);
  if (!draft || others.length > 0) return undefined;
  const { promise: isClaimed, resolve: resolveClaim } = Promise.withResolvers<boolean>();
  const completion = new JobCompletion(1);
  const input = { ...draft, completion, claim: isClaimed } as unknown as I;
  const finished = submit([input], completion, { ...claimRequest, dispatcher }, deps);
  // Nobody awaits the rejection of an item that is not processed.
  finished.catch(() => undefined);
  return {
    finished,
    resolve(claim) {
      const canContinue = claim?.state === "running" && claim.open[0] === true && claim.claims < SUSPECT_CLAIMS;
      input.attempts = claim?.attempts[0] ?? 0;
      input.chargedAttempts = input.attempts;
      resolveClaim(canContinue);
      if (!canContinue) returnCompletion(dispatcher, completion, "the item could not be claimed");
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

function returnCompletion<I extends PendingInput, M>(
  dispatcher: ModelDispatcher<I, M>,
  completion: JobCompletion,
  reason: string,
): void {
  dispatcher.returnToQueue(new ReturnToQueue(reason), (input) => input.completion === completion);
}

async function submit<I extends PendingInput, M>(
  inputs: readonly I[],
  completion: JobCompletion,
  { dispatcher, signal }: DispatchableClaim<I, M>,
  { isStopping }: ClaimDeps,
): Promise<void> {
  const onLockLost = () => returnCompletion(dispatcher, completion, "the job's lock was lost");
  dispatcher.submit(inputs);
  using _ = signal && addAbortListener(signal, onLockLost);
  // A stop may have come between the claim and the submit.
  if (isStopping()) onLockLost();
  await completion.finished;
}

/**
 * Calls each item alone. A claim of its own covers only its calls, so that the next crashes count against the item that
 * was in a call, and not against those that were waiting.
 */
async function processOneByOne<I extends PendingInput, M>(
  drafts: readonly InputDraft<I>[],
  { jobId, ledger, dispatcher, signal }: DispatchableClaim<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  for (const draft of drafts) {
    if (deps.isStopping() || signal?.aborted) throw new ReturnToQueue("the worker is stopping");
    const completion = new JobCompletion(1);
    const input = { ...(draft as I), completion };
    dispatcher.submitAlone({ ...input, callGuard: createCallGuard(`${jobId}/${draft.index}`, ledger, input, deps) });
    await completion.finished;
  }
}

function createCallGuard(claimId: string, ledger: Ledger, input: PendingInput, { commitDeps }: ClaimDeps): CallGuard {
  let claim: Claim | undefined;
  const leave = async () => {
    const ended = claim;
    claim = undefined;
    if (ended) await ledger.release(claimId, ended).catch((error) => logFailedRelease(error, commitDeps));
  };
  const enter = async () => {
    claim = await ledger.claim(claimId, [input.index]);
    const crashes = claim.claims - 1;
    if (claim.state !== "running" || !claim.open[0]) {
      input.completion.returnToQueue(new ReturnToQueue("the item is not open any more"));
    } else if (crashes >= MAX_ITEM_CRASHES) {
      const message = `the worker died ${crashes} times while it worked on this item alone`;
      await recordFailure([{ ...input, attempts: crashes }], { kind: "crash-loop", message }, commitDeps);
    } else {
      return true;
    }
    await leave();
    return false;
  };
  return {
    leave,
    enter: () =>
      enter().catch((error) => {
        const reason = error instanceof ReturnToQueue ? error : new ReturnToQueue("the item could not be claimed");
        input.completion.returnToQueue(reason);
        return false;
      }),
  };
}

function logFailedRelease(error: unknown, { log }: CommitDeps): void {
  log.warn("could not release the claim of an item", { error: coerceError(error).message });
}
