import { UnrecoverableError } from "bullmq";
import type { Failure } from "../core/item.ts";
import type { ChatModel, ChatRequest } from "../providers/provider.ts";
import { ItemLedger } from "../queue/item-ledger.ts";
import type { Ledger } from "../queue/ledger.ts";
import { type ChatItem, type ChatPayload, chatRequestSchema } from "../queue/payload.ts";
import { readRequest } from "../queue/pickup.ts";
import { RunRequests } from "../queue/run-requests.ts";
import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import type { CallGroup } from "./call-group.ts";
import type { ChatInput } from "./chat-input.ts";
import { CHAT_STORY } from "./chat-story.ts";
import { findGroup } from "./group-book.ts";
import type { Purpose } from "./held-work.ts";
import { FOREIGN_DELAY_MS, HandBack } from "./job-ticket.ts";
import { type ClaimDeps, type Draft, processClaim } from "./process-claim.ts";
import type { RunLedgers } from "./run-ledgers.ts";

export interface ChatJobDeps extends ClaimDeps {
  /** Undefined when this worker has no credentials; throws a ProviderError for a model the provider does not have. */
  readonly group: () => CallGroup<ChatInput, ChatModel> | undefined;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly ledgers: RunLedgers;
  /** Sees to it that a cancelled item or a paused run is noticed meanwhile. */
  readonly holding: (purpose: Purpose, work: () => Promise<void>) => Promise<void>;
  /** How often the job's worker died, or lost it. */
  readonly stalls: number;
}

type Group = Exclude<ReturnType<typeof findGroup<CallGroup<ChatInput, ChatModel>>>, undefined>;

/**
 * From this stall on, items that only came in the same job are tried one after another: one of them may be what kills
 * workers, and the others must not be counted out with it.
 */
const SUSPECT_STALLS = 2;
/** Stands in for a request that is gone; never called. */
const NO_REQUEST: ChatRequest = { messages: [] };

/**
 * Sees to it that every item of a chat job has its record. Rejects with `HandBack` when the job must go back to the
 * queue.
 */
export async function processChatJob(
  jobId: string,
  payload: ChatPayload,
  signal: AbortSignal | undefined,
  deps: ChatJobDeps,
): Promise<void> {
  if (deps.isStopping()) throw new HandBack("the worker is stopping");
  const group = findGroup(deps.group);
  if (!group) throw new HandBack("this worker has no credentials for the model", FOREIGN_DELAY_MS);
  const { run, items, trace } = payload;
  const job = { jobId, group, signal, trace, isAlone: items.length === 1 };
  if (run !== undefined) {
    return await deps.holding({ run }, () => processItems(run, items, deps.ledgers.of(run), job, deps));
  }
  await together(
    items.map((item) => () => processOwnItem(item, job, deps)),
    deps.stalls < SUSPECT_STALLS,
  );
}

interface Job {
  readonly jobId: string;
  readonly group: Group;
  readonly signal: AbortSignal | undefined;
  readonly trace: ChatPayload["trace"];
  readonly isAlone: boolean;
}

async function processOwnItem(item: ChatItem, job: Job, deps: ChatJobDeps): Promise<void> {
  const { client, keys, holding } = deps;
  const id = item.item ?? "";
  const ledger = new ItemLedger(client, keys.item(id), item.stream ? CHAT_STORY : undefined);
  await holding({ item: id }, () => processItems(id, [item], ledger, job, deps));
}

/** Every one is worked on, also where another one has to go back; their job goes back when one of them does. */
async function together(works: readonly (() => Promise<void>)[], atOnce: boolean): Promise<void> {
  const outcomes: PromiseSettledResult<void>[] = [];
  if (atOnce) outcomes.push(...(await Promise.allSettled(works.map((work) => work()))));
  else for (const work of works) outcomes.push(...(await Promise.allSettled([work()])));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Items of one ledger: some of a run, or one that was submitted on its own. */
async function processItems(
  runId: string,
  items: readonly ChatItem[],
  ledger: Ledger,
  { jobId, group, signal, trace, isAlone }: Job,
  deps: ChatJobDeps,
): Promise<void> {
  const requests = items.map(({ request }) => request);
  const prepare = async (open: readonly number[]): Promise<Map<number, Failure>> => {
    const failures = new Map<number, Failure>();
    for (const position of open) {
      const item = items[position];
      if (!item || requests[position]) continue;
      const request = await readLarge(runId, item, deps);
      if (request) requests[position] = request;
      else failures.set(position, GONE);
    }
    return failures;
  };
  const draft = (position: number, attempts: number): Draft<ChatInput> => {
    const { index = 0, item, stream, tokens = 0 } = items[position] ?? {};
    const isFollowed = item !== undefined && stream && ledger instanceof ItemLedger;
    return {
      runId,
      ledger,
      index,
      tokens,
      trace,
      attempts,
      charged: attempts,
      snoozes: 0,
      bytes: 0,
      isUrgent: deps.isUrgent,
      arrivedAt: deps.now(),
      request: requests[position] ?? NO_REQUEST,
      partials: isFollowed ? { keys: deps.keys.item(item), ledger } : undefined,
    };
  };
  const isOwn = items[0]?.item !== undefined;
  const indices = items.map(({ index }) => index);
  const isAwaited = deps.isUrgent && isOwn && isAlone && requests[0] !== null;
  await processClaim({ jobId, ledger, indices, isOwn, isAwaited, prepare, draft, group, signal }, deps);
}

const GONE: Failure = {
  kind: "invalid-request",
  message: "the request that belongs to this item is gone or damaged",
};

/**
 * A request that was too large for its job. One of a run that is gone from Redis fails the job, not the item: the
 * run's coordinator still has it, and queues it again.
 */
async function readLarge(runId: string, { item, index }: ChatItem, { client, keys }: ChatJobDeps) {
  const text =
    item === undefined
      ? await new RunRequests(client, keys.run(runId)).get(index)
      : await readRequest(client, keys, item);
  if (text === undefined && item === undefined)
    throw new UnrecoverableError("the request that belongs to this job is gone from Redis");
  const parsed = chatRequestSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}
