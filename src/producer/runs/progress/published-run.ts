import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "#src/state/runs/run-ledger.ts";
import type { RunSnapshot } from "./run-snapshot.ts";

/** What a coordinator publishes about its run for other processes. Contains no text of any item and no secret. */
export interface PublishedRun {
  /** Epoch ms, on the coordinator's clock. */
  readonly at: number;
  /** Absent before the run has started. */
  readonly snapshot?: RunSnapshot;
  /** How it ended, or why it stopped; absent while it is coordinated. */
  readonly end?:
    | { readonly outcome: "finished"; readonly report: RunManifest }
    | {
        readonly outcome: "stopped";
        readonly message: string;
        readonly hint?: string;
        /** "interrupted", "parked" ...; absent if an error stopped it. */
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
