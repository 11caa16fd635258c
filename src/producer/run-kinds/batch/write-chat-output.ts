import { join } from "node:path";
import { parseModelName } from "#src/core/model-name.ts";

import { buildOutputLineParts, computeRequestId, formatErrorLine } from "#src/producer/openai-batch/output-lines.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { writeModeration } from "#src/producer/openai-batch/requests/write-moderation.ts";
import { writeResponsesObject } from "#src/producer/openai-batch/requests/write-responses-object.ts";
import { writeTextCompletion } from "#src/producer/openai-batch/requests/write-text-completion.ts";
import type { OutputRecorder } from "#src/producer/output/digests/output-recorder.ts";
import { computeTextDigest, type RowDigest } from "#src/producer/output/digests/row-digest.ts";
import { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { type PublishedOutput, publishOutput } from "#src/producer/output/publish-output.ts";
import { readRecordBlocks } from "#src/producer/output/record-blocks.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { ChatChoice, ChatResponse } from "#src/providers/provider.ts";

export interface BatchOutputOptions {
  readonly run: string;
  /** Decides the form of the answers; by default that of chat completions. */
  readonly endpoint?: BatchManifest["endpoint"];
  readonly onProgress?: () => void;
  readonly onRefusal?: () => void;
  readonly signal?: AbortSignal;
}

/** Items per block; answers may have some hundred KB each. */
const ITEMS_PER_BLOCK = 256;

const WRITERS: Partial<Record<BatchManifest["endpoint"], typeof writeChatCompletion>> = {
  "/v1/responses": writeResponsesObject,
  "/v1/completions": writeTextCompletion,
  "/v1/moderations": writeModeration,
};

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
  { item, record }: RecordedItem,
  { run, endpoint, onRefusal }: BatchOutputOptions,
): Promise<JsonlFile> {
  const line = { run, index: item.index, customId: item.id };
  if (record.failure) {
    await files.errors.addText(formatErrorLine(line, record.failure));
    return files.errors;
  }
  const response: ChatResponse = JSON.parse(record.answer ?? "null");
  if ([response, ...(response.choices ?? [])].every(isRefusal)) onRefusal?.();
  const write = WRITERS[endpoint ?? "/v1/chat/completions"] ?? writeChatCompletion;
  const body = write(response, {
    id: `chatcmpl-${computeRequestId(line)}`,
    created: Math.floor(record.recordedAt / 1000),
    model: stripProvider(item.metadata?.model),
  });
  const [head, tail] = buildOutputLineParts(line, response.requestId);
  await files.answers.addText(`${head}${JSON.stringify(body)}${tail}`);
  return files.answers;
}

/** Whether the model refused to answer, or a content filter cut the answer off. */
export function isRefusal({ refusal, finishReason }: ChatChoice): boolean {
  return refusal !== undefined || finishReason.unified === "content-filter";
}

/** What the provider itself calls the model: "glm-4-plus" for "zhipu/glm-4-plus". */
function stripProvider(model: unknown): string {
  const name = String(model ?? "");
  return parseModelName(name)?.model ?? name;
}
