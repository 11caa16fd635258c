import { join } from "node:path";
import type { ModelDirectory } from "#src/api/models/model-directory.ts";
import type { Clock } from "#src/core/clock.ts";
import { parseModelName } from "#src/core/model-name.ts";
import { breakLockOfOtherMachine } from "#src/producer/runs/folder/folder-lock.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { isFinal, type StoredBatch } from "./batch-object.ts";
import type { BatchStore } from "./batch-store.ts";
import { findForbiddenModel } from "./find-forbidden-model.ts";
import { type BatchFinishDeps, finishBatch } from "./finish-batch.ts";
import type { EndReason } from "./finish-output.ts";
import { inspectInput } from "./inspect-input.ts";
import { type LaunchEnd, launchRun, type ProgramStart } from "./launch-run.ts";
import { expectBatchUse, readBatchCalls } from "./read-batch-calls.ts";

export interface BatchWorkDeps extends BatchFinishDeps {
  readonly store: BatchStore;
  readonly registry: ProviderRegistry;
  readonly models: ModelDirectory;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly command: ProgramStart;
  /** Reports why a run stopped before its end; it is started again. */
  readonly onStopped: (batch: string, message: string) => void;
}

/** Between looks at requests to cancel, and at the end of the completion window. */
const CHECK_INTERVAL_MS = 500;
/** Waits between starts of a run that stops by itself, such as while the account has no balance. */
const RESTART_DELAYS_MS = [1_000, 5_000, 30_000, 120_000];

/**
 * Works on a batch until it has ended. The caller holds its lease; `signal` aborts when the lease is lost or the server stops,
 * and another server continues from whatever is on disk. Every step can be repeated.
 */
export async function workOnBatch(deps: BatchWorkDeps, start: StoredBatch, signal: AbortSignal): Promise<StoredBatch> {
  const { store } = deps;
  let batch = start;
  if (batch.status === "validating") batch = await validate(deps, batch);
  for (let starts = 0; !isFinal(batch.status); starts++) {
    const reason = await findEndReason(deps, batch);
    const manifest = await readManifest(store.paths(batch).run);
    // A batch that ends before its requests were read has no run, and nothing to collect.
    if (manifest?.state === "finished" || (reason !== "completed" && !manifest)) {
      batch = await finishBatch(deps, batch, manifest, reason);
      break;
    }
    if (starts > 0) await deps.clock.sleep(RESTART_DELAYS_MS[starts - 1] ?? RESTART_DELAYS_MS.at(-1) ?? 0, signal);
    const end = await runOnce(deps, batch, signal);
    signal.throwIfAborted();
    if (end.outcome === "refused") {
      const failedAt = deps.clock.now();
      await deps.budgets.settle(batch, []);
      batch = await store.update(batch, { status: "failed", failedAt, problems: [...end.problems] });
    } else if ((await readManifest(store.paths(batch).run))?.state !== "finished") {
      deps.onStopped(batch.id, end.message);
    }
    batch = (await store.get(batch.tenant, batch.id)) ?? batch;
  }
  return batch;
}

/** Checks the file as a whole; its lines are checked when the run is planned. */
async function validate(deps: BatchWorkDeps, batch: StoredBatch): Promise<StoredBatch> {
  const { store, registry, clock } = deps;
  const { input } = store.paths(batch);
  const problems = [...(await inspectInput(input, batch.endpoint, registry)).problems];
  const forbidden = batch.allowedModels && (await findForbiddenModel(readBatchCalls(input, deps), batch.allowedModels));
  if (forbidden) problems.push(forbidden);
  // Last, because a batch that fails for another reason reserves nothing.
  const refusal = problems.length === 0 ? await deps.budgets.reserve(batch, expectBatchUse(input, deps)) : undefined;
  if (refusal) problems.push({ code: refusal.details.code ?? "", message: refusal.message, param: null, line: null });
  if (problems.length === 0) return batch;
  return await store.update(batch, { status: "failed", failedAt: clock.now(), problems });
}

/** Runs the file until its process ends, and stops it early if the batch is cancelled or its time is over. */
async function runOnce(deps: BatchWorkDeps, batch: StoredBatch, signal: AbortSignal): Promise<LaunchEnd> {
  const ended = new AbortController();
  const stop = new AbortController();
  const watching = stopWhenDue(deps, batch, stop, ended.signal);
  try {
    if (await waitForOtherCoordinator(deps, batch, signal)) return { outcome: "exited", message: "" };
    const { input, run } = deps.store.paths(batch);
    await breakLockOfOtherMachine(join(run, WORK_FOLDER), deps.clock.now());
    return await launchRun({
      command: deps.command,
      input,
      out: run,
      provider: await findProvider(deps, batch),
      tenant: batch.share,
      signal: AbortSignal.any([signal, stop.signal]),
      onStarted: () => {
        const inProgressAt = batch.inProgressAt ?? deps.clock.now();
        // The next step reads what was stored; a failure of this one shows there.
        deps.store
          .update(batch, { status: "in_progress", inProgressAt })
          .catch((error: Error) => deps.onStopped(batch.id, error.message));
      },
    });
  } finally {
    ended.abort();
    await watching;
  }
}

/**
 * Waits while the process of a server that died, or lost its lease, still coordinates the run; it ends in an orderly way or
 * with its lease. Resolves with whether there was one.
 */
async function waitForOtherCoordinator(
  { store, client, keys, clock }: BatchWorkDeps,
  batch: StoredBatch,
  signal: AbortSignal,
): Promise<boolean> {
  const { run } = store.paths(batch);
  for (let hasWaited = false; ; hasWaited = true) {
    const manifest = await readManifest(run);
    if (!manifest || manifest.state === "finished") return hasWaited;
    const holder = await new RunControl(client, keys, manifest.run).coordinator();
    if (holder === undefined || !mayHolderLive(holder)) return hasWaited;
    await clock.sleep(CHECK_INTERVAL_MS, signal);
  }
}

/** Cancels the run once there is one; before, its process is stopped. */
async function stopWhenDue(
  deps: BatchWorkDeps,
  batch: StoredBatch,
  stop: AbortController,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const reason = await findEndReason(deps, batch);
    if (reason !== "completed") {
      const manifest = await readManifest(deps.store.paths(batch).run).catch(() => undefined);
      if (!manifest) stop.abort();
      // Repeated: a run that has just started replaces the state of its predecessor.
      else await new RunControl(deps.client, deps.keys, manifest.run).requestTransition("cancel");
    }
    await deps.clock.sleep(CHECK_INTERVAL_MS, ended).catch(() => undefined);
  }
}

async function findEndReason({ store, clock }: BatchWorkDeps, batch: StoredBatch): Promise<EndReason> {
  if ((await store.readCancelRequest(batch)) !== undefined) return "cancelled";
  return clock.now() >= batch.expiresAt ? "expired" : "completed";
}

/** The provider of models that are named without one, decided by the first request. */
async function findProvider(
  { store, registry, models }: BatchWorkDeps,
  batch: StoredBatch,
): Promise<string | undefined> {
  const { model } = await inspectInput(store.paths(batch).input, batch.endpoint, registry);
  if (model === undefined) return undefined;
  const provider = parseModelName(model)?.provider;
  if (registry.providers.some(({ name }) => name === provider)) return undefined;
  return (await models.get(model).catch(() => undefined))?.provider;
}
