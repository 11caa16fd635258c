import { join } from "node:path";

import type { OutputRecorder } from "#src/producer/output/digests/output-recorder.ts";
import { computeTextDigest, type RowDigest } from "#src/producer/output/digests/row-digest.ts";
import { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { type PublishedOutput, publishOutput } from "#src/producer/output/publish-output.ts";
import { readRecordBlocks } from "#src/producer/output/record-blocks.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { type ChatLineOptions, formatChatLine } from "./format-chat-line.ts";

export interface BatchOutputOptions extends ChatLineOptions {
  readonly onProgress?: () => void;
  readonly onRefusal?: () => void;
  readonly signal?: AbortSignal;
}

/** Items per block; answers may have some hundred KB each. */
const ITEMS_PER_BLOCK = 256;

/**
 * Writes `output.jsonl` and `errors.jsonl` of a complete chat run into `dir`, in input order, each request in exactly
 * one of them. It can be killed and repeated at any time.
 */
export function writeChatOutput(store: RunStore, dir: string, options: BatchOutputOptions): Promise<PublishedOutput> {
  const write = async (output: string, recorder: OutputRecorder) => {
    const files = await openBatchFiles(recorder.disk, output);
    try {
      const reading = { size: ITEMS_PER_BLOCK, vectors: false, signal: options.signal };
      for await (const { rows } of readRecordBlocks(store, reading)) {
        const digests: RowDigest[] = [];
        for (const row of rows) {
          const file = await writeRecord(files, row, options);
          digests.push(digestLine(row.item.id, row.item.text, files, file));
        }
        await recorder.rows.add(digests);
        options.onProgress?.();
      }
      await Promise.all([files.answers.finish(), files.errors.finish()]);
    } finally {
      await Promise.all([files.answers.close(), files.errors.close()]);
    }
  };
  return publishOutput(store, dir, { names: [RESULT_FILES.batch], write }, options.signal);
}

export interface BatchFiles {
  readonly answers: JsonlFile;
  readonly errors: JsonlFile;
}

export async function openBatchFiles(disk: Disk, output: string): Promise<BatchFiles> {
  const options = { hasChecksums: true };
  return {
    answers: await JsonlFile.create(disk, join(output, RESULT_FILES.batch), options),
    errors: await JsonlFile.create(disk, join(output, RESULT_FILES.errors), options),
  };
}

/** The digest of a request whose line was just added to `file`. */
export function digestLine(id: string, text: string, files: BatchFiles, file: JsonlFile): RowDigest {
  const isOk = file === files.answers;
  return { id, isOk, text: computeTextDigest(text), fields: 0, result: file.takeChecksum() };
}

/** Resolves with the file that the line of the record was added to. */
async function writeRecord(
  files: BatchFiles,
  recorded: RecordedItem,
  { onRefusal, ...options }: BatchOutputOptions,
): Promise<JsonlFile> {
  const { text, isOk, isRefusal } = formatChatLine(recorded, options);
  if (isRefusal) onRefusal?.();
  const file = isOk ? files.answers : files.errors;
  await file.addText(text);
  return file;
}
