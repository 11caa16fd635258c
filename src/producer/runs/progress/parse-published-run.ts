import * as z from "zod";
import { LIMIT_WINDOWS, RATE_DIMENSIONS } from "#src/core/lane.ts";
import { modelCost, runManifest } from "#src/producer/runs/run-manifest.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { reportMalformed } from "#src/redis/stored-json.ts";
import type { PublishedRun } from "./published-run.ts";
import type { RunSnapshot } from "./run-snapshot.ts";

const limit = z.object({
  used: z.number(),
  allowed: z.number().optional(),
  set: z.literal(true).optional(),
  reported: z.literal(true).optional(),
  quota: z.object({ limit: z.number(), left: z.number(), resetAt: z.number() }).optional(),
  learned: z.number().optional(),
});
const lane = z.object({
  name: z.string(),
  state: z.enum(["open", "snoozed", "parked"]),
  snoozeUntil: z.number().optional(),
  nextCallAt: z.number().optional(),
  reason: z.string().optional(),
  hanging: z.object({ calls: z.number(), limitMs: z.number(), usualMs: z.number(), aborted: z.number() }).optional(),
  requests: limit,
  tokens: limit,
  concurrency: limit,
  windows: z
    .array(z.object({ ...limit.shape, dimension: z.enum(RATE_DIMENSIONS), window: z.enum(LIMIT_WINDOWS) }))
    .optional(),
});
const snapshot: z.ZodType<RunSnapshot> = z.looseObject({
  runId: z.string(),
  name: z.exactOptional(z.string()),
  model: z.string(),
  phase: z.enum(["planning", "running", "paused", "snoozing", "parked", "finishing", "done"]),
  items: z.object({ total: z.number(), succeeded: z.number(), failed: z.number(), inFlight: z.number() }),
  itemsPerSecond: z.number().optional(),
  callsPerSecond: z.number().optional(),
  tokensPerSecond: z.number().optional(),
  calls: z.object({
    made: z.number(),
    succeeded: z.number(),
    paidTwice: z.number(),
    throttled: z.number(),
    isLowerBound: z.boolean().optional(),
  }),
  snoozes: z.number(),
  batchFill: z.number().optional(),
  tokens: z.number(),
  lanes: z.array(lane),
  failuresByKind: z.record(z.string(), z.number()),
  cost: z.object({ spent: z.number(), expected: z.number().optional(), currency: z.string() }).optional(),
  costs: z.array(modelCost).optional(),
  startedAt: z.number(),
  heldUntil: z.number().optional(),
  etaMs: z.number().optional(),
  workers: z.number(),
});
const end = z.union([
  z.object({ outcome: z.literal("finished"), report: runManifest }),
  z.object({
    outcome: z.literal("stopped"),
    message: z.string(),
    hint: z.string().optional(),
    reason: z.string().optional(),
  }),
]);
const publishedRun: z.ZodType<PublishedRun> = z.object({
  at: z.number(),
  snapshot: snapshot.optional().catch(undefined),
  end: end.optional().catch(undefined),
});

/**
 * Parses what a coordinator of any version published. A malformed part counts as absent; undefined if even the time is
 * missing.
 */
export function parsePublishedRun(text: string): PublishedRun | undefined {
  try {
    return publishedRun.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Undefined if no coordinator has published anything within the TTL of the run's keys, or if it is malformed. */
export async function readPublishedRun(
  client: RedisClient,
  keys: Keys,
  runId: string,
): Promise<PublishedRun | undefined> {
  const key = keys.run(runId).snapshot;
  const text = await client.get(key);
  if (text === null || text === undefined) return undefined;
  const published = parsePublishedRun(text);
  if (!published) reportMalformed(client, key);
  return published;
}
