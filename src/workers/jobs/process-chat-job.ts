import { UnrecoverableError } from "bullmq";
import type { Failure } from "#src/core/item.ts";
import type { ChatModel, ChatRequest } from "#src/providers/provider.ts";
import { type ChatItem, type ChatPayload, chatRequestSchema } from "#src/queues/payload.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { ItemLedger } from "#src/state/items/item-ledger.ts";
import { readRequest } from "#src/state/items/item-store.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import { OversizedRequests } from "#src/state/runs/oversized-requests.ts";
import { STREAM_EPILOGUE } from "#src/workers/calls/final-partial.ts";
import { AnswerCollector } from "#src/workers/dispatch/answer-collector.ts";
import type { ChatInput } from "#src/workers/dispatch/chat-input.ts";
import { combineChoices, splitChoices } from "#src/workers/dispatch/choices.ts";
import { findDispatcher } from "#src/workers/dispatch/dispatcher-registry.ts";
import { ModelDispatcher } from "#src/workers/dispatch/model-dispatcher.ts";
import { type ClaimDeps, type InputDraft, processClaim } from "./process-claim.ts";
import { NO_CREDENTIALS_DELAY_MS, ReturnToQueue } from "./return-to-queue.ts";
import type { RunLedgerCache } from "./run-ledger-cache.ts";
import type { JobOwner } from "./run-state-watcher.ts";

export interface ChatJobDeps extends ClaimDeps {
  /**
   * Returns undefined when this worker has no credentials; throws a ProviderError when the provider lacks the model.
   */
  readonly dispatcher: () => ModelDispatcher<ChatInput, ChatModel> | undefined;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly ledgers: RunLedgerCache;
  /** Watches for a cancelled item or a paused run while the task runs. */
  readonly withTracking: (owner: JobOwner, task: () => Promise<void>) => Promise<void>;
  /** How often the job stalled: its worker died or lost its lock. */
  readonly stalls: number;
}

type Dispatcher = Exclude<ReturnType<typeof findDispatcher<ModelDispatcher<ChatInput, ChatModel>>>, undefined>;

/**
 * From this number of stalls on, standalone items that share a job are processed one after another: one of them may
 * crash workers, and the others must not fail with it.
 */
const SUSPECT_STALLS = 2;
/** Takes the place of a missing request; it is never sent. */
const PLACEHOLDER_REQUEST: ChatRequest = { messages: [] };

/**
 * Makes sure that every item of a chat job has its record. Rejects with `ReturnToQueue` when the job must return to the
 * queue.
 */
export async function processChatJob(
  jobId: string,
  payload: ChatPayload,
  signal: AbortSignal | undefined,
  deps: ChatJobDeps,
): Promise<void> {
  if (deps.isStopping()) throw new ReturnToQueue("the worker is stopping");
  const dispatcher = findDispatcher(deps.dispatcher);
  if (!dispatcher) throw new ReturnToQueue("this worker has no credentials for the model", NO_CREDENTIALS_DELAY_MS);
  const { run, items, tenant, trace } = payload;
  const job = { jobId, dispatcher, signal, tenant, trace, isOnlyItem: items.length === 1 };
  if (run !== undefined) {
    return await deps.withTracking({ run }, () => processItems(run, items, deps.ledgers.of(run), job, deps));
  }
  await runAll(
    items.map((item) => () => processStandaloneItem(item, job, deps)),
    deps.stalls < SUSPECT_STALLS,
  );
}

interface Job {
  readonly jobId: string;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal | undefined;
  readonly tenant: ChatPayload["tenant"];
  readonly trace: ChatPayload["trace"];
  readonly isOnlyItem: boolean;
}

async function processStandaloneItem(item: ChatItem, job: Job, deps: ChatJobDeps): Promise<void> {
  const { client, keys, withTracking } = deps;
  const id = item.item ?? "";
  const ledger = new ItemLedger(client, keys.item(id), item.stream ? STREAM_EPILOGUE : undefined);
  await withTracking({ item: id }, () => processItems(id, [item], ledger, job, deps));
}

/**
 * Runs all tasks, even after one has failed; then rejects with the first failure, so that the job returns to the queue.
 */
async function runAll(tasks: readonly (() => Promise<void>)[], isConcurrent: boolean): Promise<void> {
  const outcomes: PromiseSettledResult<void>[] = [];
  if (isConcurrent) outcomes.push(...(await Promise.allSettled(tasks.map((task) => task()))));
  else for (const task of tasks) outcomes.push(...(await Promise.allSettled([task()])));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Processes items of one ledger: items of a run, or one standalone item. */
async function processItems(
  runId: string,
  items: readonly ChatItem[],
  ledger: Ledger,
  { jobId, dispatcher, signal, tenant, trace, isOnlyItem }: Job,
  deps: ChatJobDeps,
): Promise<void> {
  const requests = items.map(({ request }) => request);
  const prepare = async (open: readonly number[]): Promise<Map<number, Failure>> => {
    const failures = new Map<number, Failure>();
    for (const position of open) {
      const item = items[position];
      if (!item || requests[position]) continue;
      const request = await readLargeRequest(runId, item, deps);
      if (request) requests[position] = request;
      else failures.set(position, REQUEST_MISSING);
    }
    return failures;
  };
  const canSplit = dispatcher instanceof ModelDispatcher && !dispatcher.models.every((model) => model.supportsChoices);
  const createDrafts = (position: number, attempts: number): InputDraft<ChatInput>[] => {
    const { index = 0, item, stream, tokens = 0 } = items[position] ?? {};
    const isStreamed = item !== undefined && stream && ledger instanceof ItemLedger;
    const request = requests[position] ?? PLACEHOLDER_REQUEST;
    const split = canSplit && !isStreamed ? splitChoices(request) : [request];
    const collector = split.length > 1 ? new AnswerCollector(split.length, combineChoices) : undefined;
    return split.map((one, part) => ({
      runId,
      tenant,
      ledger,
      index,
      tokens,
      trace,
      attempts,
      chargedAttempts: attempts,
      snoozes: 0,
      bytes: 0,
      isInteractive: deps.isInteractive,
      arrivedAt: deps.now(),
      request: one,
      part: collector && { position: part, collector },
      partials: isStreamed ? { keys: deps.keys.item(item), ledger } : undefined,
    }));
  };
  const isStandalone = items[0]?.item !== undefined;
  const indices = items.map(({ index }) => index);
  const canReserveEarly = deps.isInteractive && isStandalone && isOnlyItem && requests[0] !== null;
  await processClaim(
    { jobId, ledger, indices, isStandalone, canReserveEarly, prepare, createDrafts, dispatcher, signal },
    deps,
  );
}

const REQUEST_MISSING: Failure = {
  kind: "invalid-request",
  message: "the stored request of this item is missing or damaged",
};

/**
 * Reads a request that was too large for its job; undefined if it is missing or invalid. A missing request of a run
 * fails the job instead of the item: the run's coordinator still has the request and queues it again.
 */
async function readLargeRequest(runId: string, { item, index }: ChatItem, { client, keys }: ChatJobDeps) {
  const text =
    item === undefined
      ? await new OversizedRequests(client, keys.run(runId)).get(index)
      : await readRequest(client, keys, item);
  if (text === undefined && item === undefined)
    throw new UnrecoverableError("an oversized request of this job is missing in Redis");
  const parsed = chatRequestSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}
