import type { Failure, Item } from "#src/core/item.ts";
import { buildOutputLineParts, formatErrorLine } from "#src/producer/openai-batch/output-lines.ts";
import type { OutputRecorder } from "#src/producer/output/digests/output-recorder.ts";
import type { RowDigestWriter } from "#src/producer/output/digests/row-digest-writer.ts";
import { type FloatView, viewFloats } from "#src/producer/output/format-float.ts";
import type { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { type PublishedOutput, publishOutput } from "#src/producer/output/publish-output.ts";
import { readRecordBlocks } from "#src/producer/output/record-blocks.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { StoredBlock } from "#src/producer/storage/read-records.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { type BatchFiles, type BatchOutputOptions, digestLine, openBatchFiles } from "./write-chat-output.ts";

/** Items per block, a few megabytes with their vectors. */
const ITEMS_PER_BLOCK = 256;

/**
 * Writes `output.jsonl` and `errors.jsonl` of a complete embedding run whose items are the texts of requests: one line
 * per request, in input order. A request with a failed text is an error. It can be killed and repeated at any time.
 */
export function writeEmbeddingOutput(
  store: RunStore,
  dir: string,
  options: BatchOutputOptions & { readonly model: string },
): Promise<PublishedOutput> {
  const { signal } = options;
  const write = async (output: string, recorder: OutputRecorder) => {
    const files = await openBatchFiles(recorder.disk, output);
    try {
      const lines = new RequestLines(files, recorder.rows, options);
      const reading = { size: ITEMS_PER_BLOCK, vectors: true, signal };
      for await (const block of readRecordBlocks(store, reading)) {
        await lines.add(block);
        options.onProgress?.();
      }
      await Promise.all([files.answers.finish(), files.errors.finish()]);
    } finally {
      await Promise.all([files.answers.close(), files.errors.close()]);
    }
  };
  return publishOutput(store, dir, { names: [RESULT_FILES.batch], write }, signal);
}

/** One request, of which some texts have been read. */
interface PendingRequest {
  readonly first: Item;
  readonly vectors: Float32Array[];
  readonly texts: string[];
  tokens: number;
  failure: Failure | undefined;
}

/** Combines the records of consecutive items into the answer of their request. */
class RequestLines {
  readonly #files: BatchFiles;
  readonly #rows: RowDigestWriter;
  readonly #runInfo: { readonly run: string; readonly model: string };
  #open: PendingRequest | undefined;

  constructor(files: BatchFiles, rows: RowDigestWriter, runInfo: { readonly run: string; readonly model: string }) {
    this.#files = files;
    this.#rows = rows;
    this.#runInfo = runInfo;
  }

  async add({ rows, vectors }: StoredBlock): Promise<void> {
    const dimensions = vectors.length / rows.length;
    for (const [i, { item, record }] of rows.entries()) {
      const part = Number(item.metadata?.part ?? 0);
      if (part === 0 || !this.#open) {
        this.#open = { first: item, vectors: [], texts: [], tokens: 0, failure: undefined };
      }
      const open = this.#open;
      open.texts.push(item.text);
      open.tokens += record.tokens;
      open.failure ??= record.failure;
      // Copied, because the block's memory is reused before the request may be complete.
      open.vectors.push(vectors.slice(i * dimensions, (i + 1) * dimensions));
      if (part + 1 === Number(item.metadata?.parts ?? 1)) {
        const file = await this.#end(open);
        await this.#rows.add([digestLine(open.first.id, open.texts.join("\n"), this.#files, file)]);
      }
    }
  }

  async #end({ first, vectors, tokens, failure }: PendingRequest): Promise<JsonlFile> {
    const line = { run: this.#runInfo.run, index: first.index, customId: first.id };
    const { answers, errors } = this.#files;
    if (failure) {
      await errors.addText(formatErrorLine(line, failure));
      return errors;
    }
    const [head, tail] = buildOutputLineParts(line, undefined);
    await answers.addText(`${head}{"object":"list","data":[`);
    for (const [index, vector] of vectors.entries()) {
      await answers.addText(`${index > 0 ? "," : ""}{"object":"embedding","index":${index},"embedding":`);
      if (first.metadata?.encoding === "base64") await answers.addText(`"${toBase64(vector)}"`);
      else await this.#addFloats(viewFloats(vector));
      await answers.addText("}");
    }
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    await answers.addText(`],"model":${JSON.stringify(this.#runInfo.model)},"usage":${JSON.stringify(usage)}}${tail}`);
    return answers;
  }

  async #addFloats(floats: FloatView): Promise<void> {
    await this.#files.answers.addText("[");
    await this.#files.answers.addFloats(floats, 0, floats.floats.length);
    await this.#files.answers.addText("]");
  }
}

/** Little-endian float32, as in OpenAI's format. */
function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
