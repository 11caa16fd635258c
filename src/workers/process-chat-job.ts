import { UnrecoverableError } from "bullmq";
import { ProviderError } from "../core/errors.ts";
import type { ChatModel } from "../providers/provider.ts";
import { ItemLedger } from "../queue/item-ledger.ts";
import { type ChatPayload, chatRequestSchema } from "../queue/payload.ts";
import { readRequest } from "../queue/pickup.ts";
import { RunRequests } from "../queue/run-requests.ts";
import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import type { CallGroup } from "./call-group.ts";
import type { ChatInput } from "./chat-input.ts";
import { CHAT_STORY } from "./chat-story.ts";
import { type CommitDeps, recordFailure } from "./commit-records.ts";
import { findGroup } from "./group-book.ts";
import { HandBack, JobTicket } from "./job-ticket.ts";
import { FOREIGN_DELAY_MS, MAX_ITEM_CLAIMS, notNotedYet, PAUSED_DELAY_MS } from "./process-embedding-job.ts";
import type { RunLedgers } from "./run-ledgers.ts";

export interface ChatJobDeps {
  /** Undefined when this worker has no credentials; throws a ProviderError for a model the provider does not have. */
  readonly group: () => CallGroup<ChatInput, ChatModel> | undefined;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly ledgers: RunLedgers;
  readonly now: () => number;
  readonly isStopping: () => boolean;
  /** The job has not been taken often: see `notNotedYet`. */
  readonly isNew: boolean;
  readonly isUrgent: boolean;
  readonly commitDeps: CommitDeps;
}

/**
 * Sees to it that a chat item has its record. Rejects with `HandBack` when the job must go back to the queue. An item
 * that has its record already is not called again.
 */
export async function processChatJob(
  jobId: string,
  payload: ChatPayload,
  signal: AbortSignal | undefined,
  deps: ChatJobDeps,
): Promise<void> {
  const { client, keys } = deps;
  if (deps.isStopping()) throw new HandBack("the worker is stopping");
  const group = findGroup(deps.group);
  if (!group) throw new HandBack("this worker has no credentials for the model", FOREIGN_DELAY_MS);
  const itemId = "item" in payload.target ? payload.target.item : undefined;
  const index = "index" in payload.target ? payload.target.index : 0;
  const own =
    itemId === undefined
      ? undefined
      : new ItemLedger(client, keys.item(itemId), payload.stream ? CHAT_STORY : undefined);
  const runId = "run" in payload.target ? payload.target.run : "";
  const ledger = own ?? deps.ledgers.of(runId);

  const claim = await ledger.claim(jobId, [index]);
  if (claim.state === "paused") throw new HandBack("the run is paused", PAUSED_DELAY_MS);
  if (claim.state === "gone" && own && deps.isNew) throw notNotedYet();
  if (claim.state !== "running" || !claim.open[0]) return;
  try {
    const request = payload.request ?? (await readLarge(payload.target, deps));
    const [attempts = 0] = claim.attempts;
    const ticket = new JobTicket(1);
    const input: Omit<ChatInput, "request"> = {
      runId: itemId ?? runId,
      isUrgent: deps.isUrgent,
      ledger,
      ticket,
      index,
      tokens: payload.tokens,
      bytes: 0,
      arrivedAt: deps.now(),
      trace: payload.trace,
      attempts,
      charged: attempts,
      snoozes: 0,
      partials:
        own && payload.stream && itemId !== undefined ? { keys: keys.item(itemId), ledger: own } : undefined,
    };
    if (!request) {
      const message = "the request that belongs to this item is gone or damaged";
      await recordFailure([input], { kind: "invalid-request", message }, deps.commitDeps);
    } else if (claim.claims > MAX_ITEM_CLAIMS) {
      const message = `the worker died ${claim.claims - 1} times while it worked on this item`;
      await recordFailure([input], { kind: "crash-loop", message }, deps.commitDeps);
    } else if (group instanceof ProviderError) {
      await recordFailure([input], { kind: group.kind, message: group.message }, deps.commitDeps);
    } else {
      await answer({ ...input, request }, group, signal, deps);
    }
  } finally {
    await ledger.release(jobId, claim);
  }
}

async function answer(
  input: ChatInput,
  group: CallGroup<ChatInput, ChatModel>,
  signal: AbortSignal | undefined,
  { isStopping }: ChatJobDeps,
): Promise<void> {
  const lost = () =>
    group.handBack(new HandBack("the job's lock was lost"), (one) => one.ticket === input.ticket);
  signal?.addEventListener("abort", lost, { once: true });
  try {
    group.submit([input]);
    // A stop may have come between the claim and the submit; the group no longer looks then.
    if (isStopping()) lost();
    await input.ticket.finished;
  } finally {
    signal?.removeEventListener("abort", lost);
  }
}

/**
 * A request that was too large for its job. One of a run that is gone from Redis fails the job, not the item: the
 * run's coordinator still has it, and queues it again.
 */
async function readLarge(target: ChatPayload["target"], { client, keys }: ChatJobDeps) {
  const text =
    "item" in target
      ? await readRequest(client, keys, target.item)
      : await new RunRequests(client, keys.run(target.run)).get(target.index);
  if (text === undefined && "run" in target)
    throw new UnrecoverableError("the request that belongs to this job is gone from Redis");
  const parsed = chatRequestSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}
