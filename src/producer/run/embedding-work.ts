import { queueName } from "../../queue/names.ts";
import { readCopies } from "../plan/read-copies.ts";
import { readSpool } from "../plan/read-spool.ts";
import { openReuse, type ReuseSource } from "../reuse/open-reuse.ts";
import { textKeys } from "../reuse/run-keys.ts";
import { finalize } from "../sink/finalize.ts";
import { openRecordStore, type RecordStore } from "../sink/record-store.ts";
import { createEmbeddingJobs } from "./embedding-jobs.ts";
import type { RunWork } from "./execute-run.ts";
import type { EmbeddingManifest } from "./run-manifest.ts";

export interface EmbeddingRun {
  readonly dir: string;
  readonly spool: string;
  readonly manifest: EmbeddingManifest;
  /** Of the one model that embeds. */
  readonly provider: string;
  readonly model: string;
  /** Inputs of one upstream call. */
  readonly batchInputs: number;
  /** Answers texts from a cache, and agrees with other runs on who asks. */
  readonly reuse?: ReuseSource;
}

/** Embeds items and writes their vectors in the form that the run's manifest names. */
export function embeddingWork(run: EmbeddingRun): RunWork<RecordStore> {
  const { dir, spool, manifest, provider, model, batchInputs, reuse } = run;
  const payload = { run: manifest.run, provider, model, purpose: manifest.type };
  const { format, withText } = manifest.output;
  return {
    openStore: () => openVectorStore(dir, spool, manifest),
    inputsPerCall: batchInputs,
    ...(reuse && {
      openReuse: (store: RecordStore) => {
        const keyOf = textKeys(reuse, { provider, model, purpose: manifest.type });
        return openReuse(manifest.run, reuse, keyOf, () => store.dimensions);
      },
    }),
    jobs: createEmbeddingJobs(payload, batchInputs),
    queues: [queueName(provider, "embedding")],
    write: async (store, hooks) => {
      const about = { run: manifest.run, model: manifest.model };
      const { files } = await finalize(store, readSpool(spool), dir, {
        format,
        withText,
        ...about,
        ...hooks,
      });
      return files;
    },
  };
}

async function openVectorStore(
  dir: string,
  spool: string,
  { items: { total: items }, dimensions, output: { format } }: EmbeddingManifest,
): Promise<RecordStore> {
  const copies = await readCopies(spool, items);
  return await openRecordStore(dir, {
    items,
    copies,
    layout: format === "parquet" ? "pages" : "flat",
    dimensions,
  });
}
