import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "#src/state/runs/run-ledger.ts";
import type { RunSnapshot } from "./run-snapshot.ts";

/** What a coordinator tells everybody about its run, for screens anywhere. Holds no text of any item and no secret. */
export interface PublishedRun {
  /** Epoch ms, on the coordinator's clock. */
  readonly at: number;
  /** Absent while the run has not begun. */
  readonly snapshot?: RunSnapshot;
  /** How it ended, or why it stopped; absent while a coordinator is at work. */
  readonly end?:
    | { readonly outcome: "finished"; readonly report: RunManifest }
    | {
        readonly outcome: "stopped";
        readonly message: string;
        readonly hint?: string;
        /** "interrupted", "parked" ...; absent where an error stopped it. */
        readonly reason?: string;
      };
}

export async function publishRun(
  client: RedisClient,
  keys: Keys,
  runId: string,
  published: PublishedRun,
): Promise<void> {
  await client.set(keys.run(runId).snapshot, JSON.stringify(published), "PX", RUN_TTL_MS);
}

/** Undefined when no coordinator has told anything within the last week. */
export async function readPublishedRun(
  client: RedisClient,
  keys: Keys,
  runId: string,
): Promise<PublishedRun | undefined> {
  const text = await client.get(keys.run(runId).snapshot);
  return text === null || text === undefined ? undefined : (JSON.parse(text) as PublishedRun);
}
