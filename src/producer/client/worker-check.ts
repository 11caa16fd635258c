import { parseModelName } from "#src/core/model-name.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readStatus } from "#src/state/items/item-store.ts";
import { countWorkersFor } from "#src/state/workers/worker-list.ts";

/** Receives one sentence that says which worker is missing, and how to start it. */
export type OnNoWorker = (message: string) => void;

interface WorkerCheckDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Returns a function that reports, at most once, that no running worker takes the item. */
export function createWorkerCheck(
  id: string,
  deps: WorkerCheckDeps,
  onNoWorker: OnNoWorker = emitWarning,
): () => Promise<void> {
  let isReported = false;
  return async () => {
    if (isReported) return;
    const message = await describeMissingWorker(id, deps);
    if (message === undefined || isReported) return;
    isReported = true;
    onNoWorker(message);
  };
}

/** Undefined if the item has ended or is unknown, or if a worker that takes it is running. */
export async function describeMissingWorker(
  id: string,
  { client, keys }: WorkerCheckDeps,
): Promise<string | undefined> {
  const status = await readStatus(client, keys, id);
  if (status?.state !== "queued" && status?.state !== "running") return undefined;
  const provider = parseModelName(status.model)?.provider ?? "";
  const kind = status.kind === "chat" || status.kind === "rerank" ? status.kind : "embedding";
  if ((await countWorkersFor(client, keys, { provider, kind })) > 0) return undefined;
  return `no worker that takes ${kind} jobs of ${provider} is running, so item "${id}" waits; start one with "${SUGGESTED_COMMANDS.worker()}" and the variables of ${provider}`;
}

function emitWarning(message: string): void {
  process.emitWarning(message, { type: "SluiceWarning", code: "SLUICE_NO_WORKER" });
}
