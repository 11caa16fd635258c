import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { parseModelName } from "#src/core/model-name.ts";
import { buildOutputLineParts, computeRequestId, formatErrorLine } from "#src/producer/openai-batch/output-lines.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import type { OutputRecorder } from "#src/producer/output/digests/output-recorder.ts";
import { computeTextDigest, type RowDigest } from "#src/producer/output/digests/row-digest.ts";
import { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { type PublishedOutput, publishOutput } from "#src/producer/output/publish-output.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { AnswerStore, StoredJsonRecord } from "#src/producer/storage/answer-store.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import { ItemReader } from "#src/producer/storage/item-reader.ts";
import type { ChatChoice, ChatResponse } from "#src/providers/provider.ts";

export interface BatchOutputOptions {
  readonly run: string;
  readonly onProgress?: () => void;
  readonly onRefusal?: () => void;
  readonly signal?: AbortSignal;
}

const ITEMS_PER_BLOCK = 256;

/**
 * Writes `output.jsonl` and `errors.jsonl` of a complete chat run into `dir`, in input order, each request in exactly
 * one of them. It can be killed and repeated at any time.
 */
export function writeChatOutput(
  store: AnswerStore,
  items: AsyncIterable<readonly Item[]>,
  dir: string,
  options: BatchOutputOptions,
): Promise<PublishedOutput> {
  const write = async (output: string, recorder: OutputRecorder) => {
    const files = await openBatchFiles(recorder.disk, output);
    const queue = new ItemReader(items);
    try {
      for (let start = 0; start < store.items; start += ITEMS_PER_BLOCK) {
        options.signal?.throwIfAborted();
        const stored = await store.read(start, Math.min(ITEMS_PER_BLOCK, store.items - start));
        await rejectDamaged(store, stored);
        const block = await queue.take(start, stored.length);
        const rows: RowDigest[] = [];
        for (const [i, item] of block.entries()) {
          const file = await writeRecord(files, item, stored[i], options);
          if (file) rows.push(digestLine(item.id, item.text, files, file));
        }
        await recorder.rows.add(rows);
        options.onProgress?.();
      }
      await queue.expectEnd(store.items);
      await Promise.all([files.answers.finish(), files.errors.finish()]);
    } finally {
      await queue.close();
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
  item: Item,
  stored: StoredJsonRecord | undefined,
  { run, onRefusal }: BatchOutputOptions,
): Promise<JsonlFile | undefined> {
  const line = { run, index: item.index, customId: item.id };
  if (stored?.failure) {
    await files.errors.addText(formatErrorLine(line, stored.failure));
    return files.errors;
  }
  if (!stored?.answer) return undefined;
  const response = stored.answer.json as ChatResponse;
  if ([response, ...(response.choices ?? [])].every(isRefusal)) onRefusal?.();
  const body = writeChatCompletion(response, {
    id: `chatcmpl-${computeRequestId(line)}`,
    created: stored.answer.storedAt,
    model: stripProvider(item.metadata?.model),
  });
  const [head, tail] = buildOutputLineParts(line, response.requestId);
  await files.answers.addText(`${head}${JSON.stringify(body)}${tail}`);
  return files.answers;
}

function isRefusal({ refusal, finishReason }: ChatChoice): boolean {
  return refusal !== undefined || finishReason.unified === "content-filter";
}

/** Deletes damaged records, so that the same command requests these items again. Throws a RunError if there are any. */
async function rejectDamaged(store: AnswerStore, stored: readonly StoredJsonRecord[]): Promise<void> {
  const damaged = stored.filter(({ answer, failure }) => !answer && !failure).map(({ slot }) => slot);
  const [first] = damaged;
  if (!first) return;
  await store.forget(damaged);
  const more = damaged.length > 1 ? ` and ${damaged.length - 1} more` : "";
  throw new RunError(
    `a record on disk differs from what was written: ${store.folder} (item ${first.index}${more})`,
    "Check the disk, then run the same command again: only the damaged items are requested again.",
  );
}

/** What the provider itself calls the model: "glm-4-plus" for "zhipu/glm-4-plus". */
function stripProvider(model: unknown): string {
  const name = String(model ?? "");
  return parseModelName(name)?.model ?? name;
}
