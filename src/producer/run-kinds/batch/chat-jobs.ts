import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { type ModelName, parseModelName } from "#src/core/model-name.ts";
import type { TokenCount } from "#src/core/money.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import { queueName } from "#src/queues/names.ts";
import {
  CALLS_PER_JOB,
  type ChatItem,
  type ChatPayload,
  chatRequestSchema,
  estimateAnswerTokens,
  MAX_JOB_BYTES,
} from "#src/queues/payload.ts";
import type { OversizedRequests } from "#src/state/runs/oversized-requests.ts";

/** Items that are fed together. They form several jobs, because feeding one at a time would cost too many Redis calls. */
const MIN_FEED_ITEMS = CALLS_PER_JOB * 4;

/**
 * Jobs of a chat run that calls `models`: a few items each, whose texts are requests as JSON. Requests that are too large for
 * a job are stored in their own Redis hash.
 */
export function createChatJobs(run: string, models: readonly string[], requests: OversizedRequests): JobFactory {
  return {
    maxItems: MIN_FEED_ITEMS,
    lanes: models,
    laneOf: (item) => String(modelOf(item)),
    countNextItems: countNextChatJobItems,
    createJob: async (items) => {
      const { provider, model } = readModelOfItem(items[0]);
      const data: ChatPayload = {
        v: 2,
        kind: "chat",
        provider,
        model,
        run,
        items: await Promise.all(items.map((item) => createChatItem(item, requests))),
      };
      return { queue: queueName(provider, "chat"), name: "chat", data };
    },
  };
}

/** How many items from the front form the next job. They call the same model and are within the limits of a job. */
export function countNextChatJobItems(items: readonly Item[]): number {
  let count = 0;
  let bytes = 0;
  for (const item of items) {
    const before = items[count - 1];
    bytes += Buffer.byteLength(item.text);
    if (before && (modelOf(item) !== modelOf(before) || bytes > MAX_JOB_BYTES)) break;
    count += 1;
    if (count === CALLS_PER_JOB) break;
  }
  return Math.max(1, count);
}

async function createChatItem({ index, text, tokens }: Item, requests: OversizedRequests): Promise<ChatItem> {
  const request = chatRequestSchema.parse(JSON.parse(text));
  const isLarge = Buffer.byteLength(text) > MAX_JOB_BYTES;
  if (isLarge) await requests.put(index, text);
  return {
    index,
    tokens: tokens + estimateAnswerTokens(request),
    request: isLarge ? null : request,
  };
}

/** The tokens that a request may be charged, for each of its answers: its estimated input, and the maximum or else the usual length of its answer. */
export function estimateChatTokens({ tokens, text }: Item): TokenCount & { readonly bounded: boolean } {
  const request = chatRequestSchema.parse(JSON.parse(text));
  const { maxTokens, extra, operation } = request;
  const answers = typeof extra?.n === "number" ? extra.n : 1;
  const output = estimateAnswerTokens(request) * answers;
  return { input: tokens * answers, output, bounded: maxTokens !== undefined || operation !== undefined };
}

function modelOf({ metadata }: Item): unknown {
  return metadata?.model;
}

function readModelOfItem(item: Item | undefined): ModelName {
  if (!item) throw new RangeError("a chat job carries at least one item");
  const name = modelOf(item);
  const parsed = typeof name === "string" ? parseModelName(name) : undefined;
  if (parsed !== undefined) return parsed;
  throw new RunError(
    `the plan names no model for the request "${item.id}"`,
    "Run the same command with --force to plan again, which deletes the answers so far.",
  );
}
