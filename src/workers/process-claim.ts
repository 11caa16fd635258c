import { ProviderError } from "../core/errors.ts";
import type { Failure } from "../core/item.ts";
import type { Ledger } from "../queue/ledger.ts";
import type { Claim } from "../queue/run-ledger.ts";
import type { CallGroup } from "./call-group.ts";
import { type CommitDeps, recordFailure } from "./commit-records.ts";
import type { GroupInput } from "./group-input.ts";
import { HandBack, JobTicket, PAUSED_DELAY_MS } from "./job-ticket.ts";

/** What the items of any job need of the worker that holds it. */
export interface ClaimDeps {
  readonly now: () => number;
  readonly isStopping: () => boolean;
  readonly isUrgent: boolean;
  /** The job has not been taken often: see `notNotedYet`. */
  readonly isNew: boolean;
  readonly commitDeps: CommitDeps;
}

/** An input before it is known with which others it goes. */
export type Draft<I extends GroupInput> = Omit<I, "ticket">;

/** Items that one ledger keeps, and how they become inputs. */
export interface Claimed<I extends GroupInput, M> {
  readonly jobId: string;
  readonly ledger: Ledger;
  readonly indices: readonly number[];
  /** Submitted on their own; such items are noted while their job is being queued. */
  readonly isOwn: boolean;
  /** One item, of which somebody waits for the first word. */
  readonly isAwaited?: boolean;
  readonly draft: (position: number, attempts: number) => Draft<I>;
  /** Comes before the drafts of the items at these positions; says by position what fails without a call. */
  readonly prepare?: (open: readonly number[]) => Promise<ReadonlyMap<number, Failure>>;
  /** The model's group, or why there is no such model. */
  readonly group: CallGroup<I, M> | ProviderError;
  readonly signal: AbortSignal | undefined;
}

/** Items taken this often without an orderly end are tried one by one, to find the one that kills workers. */
const SUSPECT_CLAIMS = 3;
/** An item that alone was taken this often without an orderly end gets a record that says so. */
const MAX_ITEM_CLAIMS = 3;

const NOTE_LOOKS = 4;
const NOTE_PAUSE_MS = 50;

/**
 * Sees to it that every item has its record. Resolves when all have; rejects with `HandBack` when their job must go
 * back to the queue. Items that have a record already are not called again.
 */
export async function processClaim<I extends GroupInput, M>(
  claimed: Claimed<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  const { jobId, ledger, indices, isOwn, draft, prepare, group } = claimed;
  const eager = startEarly(claimed, deps);
  const claim = await claimNoted(claimed, deps).catch((error) => {
    eager?.decide(undefined);
    throw error;
  });
  const goesOn = eager?.decide(claim);
  if (claim.state === "paused") throw new HandBack("the run is paused", PAUSED_DELAY_MS, { grows: true });
  if (claim.state === "gone" && isOwn && deps.isNew) throw notNotedYet();
  if (claim.state !== "running") return;
  try {
    if (goesOn) return await eager?.work;
    const drafts: Draft<I>[] = [];
    const open = [...indices.keys()].filter((position) => claim.open[position]);
    const failures = await prepare?.(open);
    for (const position of open) {
      const made = draft(position, claim.attempts[position] ?? 0);
      const failure = failures?.get(position) ?? failureOf(group, claim.claims, indices.length);
      if (failure) await fail(made, failure, deps);
      else drafts.push(made);
    }
    if (drafts.length === 0 || group instanceof ProviderError) return;
    const isSuspect = claim.claims >= SUSPECT_CLAIMS && indices.length > 1;
    if (isSuspect) await processOneByOne(drafts, { ...claimed, group }, deps);
    else await processTogether(drafts, { ...claimed, group }, deps);
  } finally {
    await ledger.release(jobId, claim);
  }
}

/** A job that came before the note of its item looks a few times before it goes back, as it may carry others as well. */
async function claimNoted<I extends GroupInput, M>(
  { jobId, ledger, indices, isOwn }: Claimed<I, M>,
  { isNew, commitDeps }: ClaimDeps,
): Promise<Claim> {
  for (let looks = 1; ; looks += 1) {
    const claim = await ledger.claim(jobId, indices);
    if (claim.state !== "gone" || !isOwn || !isNew || looks === NOTE_LOOKS) return claim;
    await commitDeps.clock.sleep(NOTE_PAUSE_MS);
  }
}

/**
 * An item is noted while its job is being queued, so that a caller waits for one way to Redis and not for two. The job
 * may come first; it is dropped when its item is still unknown after some looks, because then it has expired.
 */
function notNotedYet(): HandBack {
  return new HandBack("the item is not noted yet", 250);
}

function failureOf(group: unknown, claims: number, items: number): Failure | undefined {
  if (group instanceof ProviderError) return { kind: group.kind, message: group.message };
  if (items > 1 || claims <= MAX_ITEM_CLAIMS) return undefined;
  return { kind: "crash-loop", message: `the worker died ${claims - 1} times while it worked on this item` };
}

async function fail<I extends GroupInput>(
  draft: Draft<I>,
  failure: Failure,
  { commitDeps }: ClaimDeps,
): Promise<void> {
  await recordFailure([{ ...(draft as I), ticket: new JobTicket(1) }], failure, commitDeps);
}

interface Early {
  /** What came of the claim (undefined: it failed); true when the item is on its way. */
  readonly decide: (claim: Claim | undefined) => boolean;
  readonly work: Promise<void>;
}

/**
 * Somebody waits for the answer to an item of their own: its reservation is asked for while it is being claimed, which
 * saves one way to Redis and back. Should the claim say no, the reservation is given back unused.
 */
function startEarly<I extends GroupInput, M>(claimed: Claimed<I, M>, deps: ClaimDeps): Early | undefined {
  const { group, draft } = claimed;
  if (!claimed.isAwaited || group instanceof ProviderError) return undefined;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const ticket = new JobTicket(1);
  const input = { ...draft(0, 0), ticket, claim: promise } as unknown as I;
  const work = submit([input], ticket, { ...claimed, group }, deps);
  // Rejects also when the item does not go on, and nobody waits for it then.
  work.catch(() => undefined);
  return {
    work,
    decide(claim) {
      const goesOn = claim?.state === "running" && claim.open[0] === true && claim.claims <= MAX_ITEM_CLAIMS;
      input.attempts = claim?.attempts[0] ?? 0;
      input.charged = input.attempts;
      resolve(goesOn);
      if (!goesOn) group.handBack(new HandBack("it was not to be claimed"), (one) => one.ticket === ticket);
      return goesOn;
    },
  };
}

type Callable<I extends GroupInput, M> = Claimed<I, M> & { readonly group: CallGroup<I, M> };

async function processTogether<I extends GroupInput, M>(
  drafts: readonly Draft<I>[],
  claimed: Callable<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  const ticket = new JobTicket(drafts.length);
  const inputs = drafts.map((draft) => ({ ...draft, ticket }) as unknown as I);
  await submit(inputs, ticket, claimed, deps);
}

async function submit<I extends GroupInput, M>(
  inputs: readonly I[],
  ticket: JobTicket,
  { group, signal }: Callable<I, M>,
  { isStopping }: ClaimDeps,
): Promise<void> {
  const lost = () => group.handBack(new HandBack("the job's lock was lost"), (one) => one.ticket === ticket);
  signal?.addEventListener("abort", lost, { once: true });
  try {
    group.submit(inputs);
    // A stop may have come between the claim and the submit; the group no longer looks then.
    if (isStopping()) lost();
    await ticket.finished;
  } finally {
    signal?.removeEventListener("abort", lost);
  }
}

/** Each item with a claim of its own: after the next crash the count tells which one it was. */
async function processOneByOne<I extends GroupInput, M>(
  drafts: readonly Draft<I>[],
  { jobId, ledger, group, signal }: Callable<I, M>,
  deps: ClaimDeps,
): Promise<void> {
  for (const draft of drafts) {
    if (deps.isStopping() || signal?.aborted) throw new HandBack("the worker is stopping");
    const claimId = `${jobId}/${draft.index}`;
    const claim = await ledger.claim(claimId, [draft.index]);
    const { claims, state } = claim;
    if (state !== "running") return;
    const ticket = new JobTicket(1);
    if (claims > MAX_ITEM_CLAIMS) {
      const message = `the worker died ${claims - 1} times while it worked on this item alone`;
      const input = { ...(draft as I), ticket, attempts: claims - 1 };
      await recordFailure([input], { kind: "crash-loop", message }, deps.commitDeps);
    } else {
      group.submitAlone({ ...draft, ticket } as unknown as I);
    }
    try {
      await ticket.finished;
    } finally {
      // Also when the item goes back in order (a stop, a parked lane): only crashes may count against it.
      await ledger.release(claimId, claim);
    }
  }
}
