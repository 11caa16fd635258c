import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BatchBudgets } from "#src/api/access/batch-budgets.ts";
import type { FileStore } from "#src/api/files/file-store.ts";
import type { Clock } from "#src/core/clock.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { StoredBatch } from "./batch-object.ts";
import { BATCH_ID_PREFIX, type BatchStore } from "./batch-store.ts";
import { type EndReason, summarizeAnswers, writeErrorFile } from "./finish-output.ts";

export interface BatchFinishDeps {
  readonly store: BatchStore;
  readonly files: FileStore;
  readonly budgets: BatchBudgets;
  readonly clock: Clock;
}

const END_TIMES = { completed: "completedAt", cancelled: "cancelledAt", expired: "expiredAt" } as const;

/**
 * Makes the output of the run available as files, and gives the batch its final status. It can be killed and repeated at any
 * point: the ids of the files are computed from the batch's.
 */
export async function finishBatch(
  { store, files, budgets, clock }: BatchFinishDeps,
  start: StoredBatch,
  manifest: RunManifest | undefined,
  reason: EndReason,
): Promise<StoredBatch> {
  const batch = await store.update(start, {
    status: "finalizing",
    finalizingAt: start.finalizingAt ?? clock.now(),
    inProgressAt: start.inProgressAt ?? (manifest && clock.now()),
  });
  const { run, folder } = store.paths(batch);
  const answers = join(run, RESULT_FILES.batch);
  const { lines: completed, usage } = await summarizeAnswers(answers);
  const errors = join(folder, "errors.jsonl");
  const failed = await writeErrorFile(join(run, RESULT_FILES.errors), errors, reason);
  const addFile = async (path: string, name: "output" | "error") => {
    const expiresAt = batch.outputTtlMs === undefined ? undefined : clock.now() + batch.outputTtlMs;
    const filename = `${batch.id}_${name}.jsonl`;
    return (await files.add(batch.tenant, fileId(batch, name), path, { filename, purpose: "batch_output", expiresAt }))
      .id;
  };
  // The window may end while the last answers arrive. Clients that cancel a batch wait for "cancelled" in any case.
  const isComplete = reason === "expired" && manifest !== undefined && !hasUnanswered(manifest);
  const status = isComplete ? "completed" : reason;
  // Before the final status, after which nobody looks at the batch again.
  await budgets.settle(batch, manifest ? (manifest.costs ?? [manifest]) : []);
  return await store.update(batch, {
    status,
    [END_TIMES[status]]: clock.now(),
    model: manifest && isBatch(manifest) ? manifest.models.join(", ") : undefined,
    outputFileId: completed > 0 ? await addFile(answers, "output") : undefined,
    errorFileId: failed > 0 ? await addFile(errors, "error") : undefined,
    counts: { total: completed + failed, completed, failed },
    usage,
  });
}

function hasUnanswered({ failuresByKind }: RunManifest): boolean {
  return (failuresByKind.cancelled ?? 0) > 0;
}

/** The same id each time: with the time of the batch's creation, which ids are ordered by. */
function fileId({ id }: StoredBatch, name: string): string {
  const time = id.slice(BATCH_ID_PREFIX.length, BATCH_ID_PREFIX.length + 12);
  return `file-${time}${createHash("sha256").update(`${id} ${name}`).digest("hex").slice(0, 20)}`;
}
