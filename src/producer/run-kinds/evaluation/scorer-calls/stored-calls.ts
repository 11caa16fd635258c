import { createReadStream } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { SampleUsage } from "#src/evaluation/sample.ts";
import type { CallAnswer, ScorerCall } from "#src/evaluation/scorer-call.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { readSampleUsage, toOutput } from "#src/producer/run-kinds/evaluation/to-sample.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { type CallFolder, computeCallId, listCallFolders } from "./call-folders.ts";

/** Where the answer to a call is. */
interface CallPosition {
  readonly reader: RunReader;
  readonly index: number;
  /** Of an embedding. */
  readonly vector: Float32Array | undefined;
  readonly isFailed: boolean;
}

const ITEMS_PER_BLOCK = 1_000;

/** The answers to the calls that the scorers of an evaluation have made. Close it after use. */
export class StoredCalls {
  readonly #positions = new Map<string, CallPosition>();
  readonly #readers: RunReader[] = [];

  private constructor() {}

  /** Reads all runs of scorers in the folder of an evaluation; of an unfinished run, the answers that it has. */
  static async open(evaluation: string): Promise<StoredCalls> {
    const calls = new StoredCalls();
    try {
      for (const folder of await listCallFolders(evaluation)) if (folder.manifest) await calls.#add(folder);
      return calls;
    } catch (error) {
      calls.close();
      throw error;
    }
  }

  /** Whether the call has an answer, which is also a refusal, but not a failure. */
  isAnswered(id: string): boolean {
    return this.#positions.get(id)?.isFailed === false;
  }

  find(call: ScorerCall): CallAnswer | undefined {
    const position = this.#positions.get(computeCallId(call));
    if (position?.vector) return { status: "embedded", vector: position.vector };
    const row = position?.reader.find(position.index);
    if (row?.record === undefined) return undefined;
    if (row.record.failure) {
      const { kind, message } = row.record.failure;
      return { status: kind === "content-filter" ? "refused" : "failed", reason: `${kind}: ${message}` };
    }
    // The vector of an unfinished run, or one that its output does not have.
    if (row.record.answer === undefined) return undefined;
    const output = toOutput(JSON.parse(row.record.answer) as ChatResponse, () => ({}));
    return output.status === "answered"
      ? { status: "answered", text: output.text }
      : { status: output.status, reason: output.reason };
  }

  /** What a call took; undefined if it was not made. */
  findUsage(call: ScorerCall, prices: ModelPrices): SampleUsage | undefined {
    const position = this.#positions.get(computeCallId(call));
    const row = position?.reader.find(position.index);
    return row && readSampleUsage(row, prices.get(call.model));
  }

  close(): void {
    for (const reader of this.#readers.splice(0)) reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #add({ dir, manifest }: CallFolder): Promise<void> {
    const isEmbedding = manifest?.kind === "embedding";
    const vectors = isEmbedding && manifest.state === "finished" ? await readVectors(dir) : undefined;
    const reader = new RunReader(dir);
    this.#readers.push(reader);
    for (let from = 0; ; from += ITEMS_PER_BLOCK) {
      const rows = reader.read(from, ITEMS_PER_BLOCK);
      for (const { item, record } of rows) {
        const vector = vectors?.get(item.id);
        if (record === undefined || this.isAnswered(item.id)) continue;
        const isFailed = record.status === "failed" || (isEmbedding && vector === undefined);
        this.#positions.set(item.id, { reader, index: item.index, vector, isFailed });
      }
      if (rows.length < ITEMS_PER_BLOCK) return;
    }
  }
}

const embeddingLineSchema = z.object({
  custom_id: z.string(),
  response: z.object({ body: z.object({ data: z.tuple([z.object({ embedding: z.array(z.number()) })]) }) }),
});

/** The vectors in the output of an embedding run, by the id of their request. */
async function readVectors(dir: string): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>();
  for await (const lines of readLines(createReadStream(join(dir, RESULT_FILES.batch))))
    for (const line of lines) {
      const parsed = parseJsonLine(line);
      const found = parsed && "value" in parsed ? embeddingLineSchema.safeParse(parsed.value).data : undefined;
      if (found) vectors.set(found.custom_id, Float32Array.from(found.response.body.data[0].embedding));
    }
  return vectors;
}
