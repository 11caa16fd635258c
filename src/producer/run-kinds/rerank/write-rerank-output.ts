import { requireModelName } from "#src/core/model-name.ts";
import type { OutputRecorder } from "#src/producer/output/digests/output-recorder.ts";
import type { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { type PublishedOutput, publishOutput } from "#src/producer/output/publish-output.ts";
import { readRecordBlocks } from "#src/producer/output/record-blocks.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { formatFailureLine } from "#src/producer/output/write-jsonl.ts";
import { type BatchFiles, digestLine, openBatchFiles } from "#src/producer/run-kinds/batch/write-chat-output.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { RerankResponse } from "#src/providers/provider.ts";
import type { RerankItem } from "./read-queries.ts";

export interface RerankOutputOptions {
  /** "provider/model" */
  readonly model: string;
  /** Documents per query; all by default. */
  readonly top?: number | undefined;
  readonly onProgress?: () => void;
  readonly signal?: AbortSignal;
}

/** Items per block; a request may have some hundred KB. */
const ITEMS_PER_BLOCK = 32;

/**
 * Writes `output.jsonl` and `errors.jsonl` of a complete rerank run into `dir`: one line per query, in input order. A query of
 * which a group of documents failed is an error. It can be killed and repeated at any time.
 */
export function writeRerankOutput(
  store: RunStore,
  dir: string,
  options: RerankOutputOptions,
): Promise<PublishedOutput> {
  const write = async (output: string, recorder: OutputRecorder) => {
    const files = await openBatchFiles(recorder.disk, output);
    try {
      const reading = { size: ITEMS_PER_BLOCK, vectors: false, signal: options.signal };
      let groups: RecordedItem[] = [];
      for await (const { rows } of readRecordBlocks(store, reading)) {
        for (const row of rows) {
          groups.push(row);
          if (groups.length < Number(row.item.metadata?.parts ?? 1)) continue;
          const file = await writeQuery(files, groups, options);
          const text = groups.map(({ item }) => item.text).join("\n");
          await recorder.rows.add([digestLine(groups[0]?.item.id ?? "", text, files, file)]);
          groups = [];
        }
        options.onProgress?.();
      }
      await Promise.all([files.answers.finish(), files.errors.finish()]);
    } finally {
      await Promise.all([files.answers.close(), files.errors.close()]);
    }
  };
  return publishOutput(store, dir, { names: [RESULT_FILES.batch], write }, options.signal);
}

/** Resolves with the file that the line of the query was added to. */
async function writeQuery(
  { answers, errors }: BatchFiles,
  groups: readonly RecordedItem[],
  options: RerankOutputOptions,
): Promise<JsonlFile> {
  const [first] = groups;
  const failed = groups.find(({ record }) => record.failure);
  if (first && failed?.record.failure) {
    await errors.addText(formatFailureLine({ item: first.item, record: failed.record }, failed.record.failure));
    return errors;
  }
  await answers.addText(`${JSON.stringify(mergeGroups(groups, options))}\n`);
  return answers;
}

/** The documents of all groups by their scores; equal scores are in the order of the input. */
function mergeGroups(groups: readonly RecordedItem[], { model, top }: RerankOutputOptions) {
  let offset = 0;
  const parts = groups.map(({ item, record }) => {
    const { documents, ids }: RerankItem = JSON.parse(item.text);
    const answer: RerankResponse = JSON.parse(record.answer ?? "null");
    const start = offset;
    offset += documents.length;
    const ranked = answer.results.map(({ index, score, extra: more }) => ({
      ...{ index: start + index, id: ids?.[index] ?? undefined, score },
      ...more,
    }));
    const calls = (answer.calls ?? [answer]).map(({ requestId, extra: rest }) => ({ request_id: requestId, ...rest }));
    return { ranked, calls };
  });
  const results = parts.flatMap(({ ranked }) => ranked).sort((a, b) => b.score - a.score || a.index - b.index);
  return {
    id: groups[0]?.item.id,
    results: results.slice(0, top),
    model: requireModelName(model).model,
    tokens: groups.reduce((sum, { record }) => sum + record.tokens, 0),
    calls: parts.flatMap(({ calls }) => calls),
  };
}
