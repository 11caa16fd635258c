import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import {
  createJsonFile,
  type DataFolder,
  isObjectId,
  readJsonFile,
  syncFolder,
  writeJsonFile,
} from "#src/api/storage/data-folder.ts";
import { listPage, type ObjectPage, type PageQuery, readNames } from "#src/api/storage/list-page.ts";
import { BATCH_STATUSES, isFinal, type StoredBatch, storedBatch } from "./batch-object.ts";

export const BATCH_ID_PREFIX = "batch_";

const cancelRequest = z.object({ at: z.number() });
const activeMark = z.object({ tenant: z.string() });

/** Paths of one batch. */
export interface BatchPaths {
  readonly folder: string;
  /** The requests: a link to the uploaded file, which may be deleted meanwhile. */
  readonly input: string;
  /** The output folder of its run. */
  readonly run: string;
}

/** Batches in the data folder: a folder for each, with its description, its input, and its run. */
export class BatchStore {
  readonly #data: DataFolder;

  constructor(data: DataFolder) {
    this.#data = data;
  }

  paths({ tenant, id }: Pick<StoredBatch, "tenant" | "id">): BatchPaths {
    const folder = join(this.#data.tenant("batches", tenant), id);
    return { folder, input: join(folder, "input.jsonl"), run: join(folder, "run") };
  }

  /**
   * Stores a new batch whose input is in place, and returns what is stored: a concurrent request may have created it. It is marked as active first: a crash in between leaves a mark without a
   * batch, which is removed, and never a batch that no server would find.
   */
  async create(batch: StoredBatch): Promise<StoredBatch> {
    const { tenant, id } = batch;
    await writeJsonFile(join(this.#data.activeBatches, id), { tenant });
    await createJsonFile(this.#file(batch), batch);
    await syncFolder(this.#data.tenant("batches", tenant));
    return (await this.get(tenant, id)) ?? batch;
  }

  /** Undefined for an id that is unknown or belongs to another tenant. */
  async get(tenant: string, id: string): Promise<StoredBatch | undefined> {
    if (!isObjectId(BATCH_ID_PREFIX, id)) return undefined;
    return await readJsonFile(this.#file({ tenant, id }), storedBatch);
  }

  /** A page of the batches that match. */
  list(tenant: string, query: PageQuery, matches: (batch: StoredBatch) => boolean): Promise<ObjectPage<StoredBatch>> {
    return listPage(this.#data.tenant("batches", tenant), query, async (id) => {
      const batch = await this.get(tenant, id);
      return batch && matches(batch) ? batch : undefined;
    });
  }

  /** Stores what has changed, unless it would move the status back, as a server that lost its lease unnoticed might. */
  async update(batch: StoredBatch, changes: Partial<StoredBatch>): Promise<StoredBatch> {
    const latest = (await this.get(batch.tenant, batch.id)) ?? batch;
    const next = { ...latest, ...changes };
    if (isFinal(latest.status) || rank(next.status) < rank(latest.status)) return latest;
    await writeJsonFile(this.#file(batch), next);
    return next;
  }

  /** Asks the server that works on the batch to cancel it. It is safe to ask twice. */
  async requestCancel(batch: StoredBatch, at: number): Promise<void> {
    await writeFile(join(this.paths(batch).folder, "cancel.json"), JSON.stringify({ at }), { flag: "wx" }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
    await syncFolder(this.paths(batch).folder);
  }

  /** When a client asked to cancel it, epoch ms. */
  async readCancelRequest(batch: Pick<StoredBatch, "tenant" | "id">): Promise<number | undefined> {
    const path = join(this.paths(batch).folder, "cancel.json");
    return (await readJsonFile(path, cancelRequest).catch(() => undefined))?.at;
  }

  /** The batches that are not finished, oldest first. */
  async listActive(): Promise<{ readonly tenant: string; readonly id: string }[]> {
    await mkdir(this.#data.activeBatches, { recursive: true });
    const ids = (await readNames(this.#data.activeBatches)).filter((id) => isObjectId(BATCH_ID_PREFIX, id)).sort();
    const active = await Promise.all(
      ids.map(async (id) => {
        const mark = await readJsonFile(join(this.#data.activeBatches, id), activeMark).catch(() => undefined);
        return mark ? [{ tenant: mark.tenant, id }] : [];
      }),
    );
    return active.flat();
  }

  /** Removes the mark of a batch that has ended. */
  async deactivate(id: string): Promise<void> {
    await rm(join(this.#data.activeBatches, id), { force: true });
  }

  #file(batch: Pick<StoredBatch, "tenant" | "id">): string {
    return join(this.paths(batch).folder, "batch.json");
  }
}

function rank(status: StoredBatch["status"]): number {
  return BATCH_STATUSES.indexOf(status);
}
