import { RunError } from "../../core/errors.ts";
import type { Item } from "../../core/item.ts";
import type { TokenCount } from "../../core/money.ts";
import { queueName } from "../../queue/names.ts";
import { type ChatPayload, chatRequestSchema, MAX_JOB_BYTES } from "../../queue/payload.ts";
import type { RunRequests } from "../../queue/run-requests.ts";
import type { JobMaker } from "./job-maker.ts";

/** Items read at a time; a job carries one. */
const READ_AHEAD = 25;
/** Tokens an answer probably has when its request sets no bound. */
const ANSWER_TOKENS = 512;

/** Jobs of a chat run that asks `models`: one per item, whose text is the request as JSON. Large requests stand beside the queue. */
export function createChatJobs(run: string, models: readonly string[], requests: RunRequests): JobMaker {
  return {
    maxItems: READ_AHEAD,
    lanes: models,
    laneOf: ({ metadata }) => String(metadata?.model),
    plan: () => 1,
    make: async ([item]) => {
      if (!item) throw new RangeError("a chat job carries one item");
      const [provider, model] = splitModel(item);
      const request = chatRequestSchema.parse(JSON.parse(item.text));
      const large = Buffer.byteLength(item.text) > MAX_JOB_BYTES;
      if (large) await requests.put(item.index, item.text);
      const data: ChatPayload = {
        v: 1,
        kind: "chat",
        provider,
        model,
        target: { run, index: item.index },
        stream: false,
        tokens: item.tokens + (request.maxTokens ?? ANSWER_TOKENS),
        request: large ? null : request,
      };
      return { queue: queueName(provider, "chat"), name: "chat", data };
    },
  };
}

/** What a request may be charged: its estimated tokens, and the most its answer may have, or probably has. */
export function estimateChatTokens({ tokens, text }: Item): TokenCount & { readonly bounded: boolean } {
  const { maxTokens } = chatRequestSchema.parse(JSON.parse(text));
  return { input: tokens, output: maxTokens ?? ANSWER_TOKENS, bounded: maxTokens !== undefined };
}

/** The names in "provider/model"; a model's own name may have slashes. */
export function splitName(name: string): readonly [string, string] {
  const slash = name.indexOf("/");
  return [name.slice(0, slash), name.slice(slash + 1)];
}

function splitModel({ metadata, id }: Item): readonly [string, string] {
  const name = metadata?.model;
  if (typeof name === "string" && name.includes("/")) return splitName(name);
  throw new RunError(
    `the plan names no model for the request "${id}"`,
    "run the same command with --force to plan again",
  );
}
