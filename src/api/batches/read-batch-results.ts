import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { formatChatLine } from "#src/producer/run-kinds/batch/format-chat-line.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import { isObject, parseObject, readText } from "#src/providers/json-value.ts";
import { isFinal, type StoredBatch } from "./batch-object.ts";
import type { BatchPaths } from "./batch-store.ts";

/** Items read at once; answers may have some hundred KB each. */
const ITEMS_PER_READ = 100;

/**
 * The lines of a batch in the order of its input, from request number `after` on (0 for all), as far as every request before
 * them has a line, too. While more will come, the last line says where to continue.
 */
export async function* readBatchResults(paths: BatchPaths, batch: StoredBatch, after: number): AsyncGenerator<string> {
  if (isFinal(batch.status)) {
    yield* mergeFiles(paths, after);
    return;
  }
  let next = after;
  for await (const line of readFinishedRecords(paths.run, batch, after)) {
    next += 1;
    yield line;
  }
  yield `${JSON.stringify({ object: "batch.results.incomplete", status: batch.status, after: next })}\n`;
}

/** Lines of a run in progress. Embeddings have none before its end: a request may have many texts. */
async function* readFinishedRecords(run: string, { endpoint }: StoredBatch, after: number): AsyncGenerator<string> {
  const manifest = await readManifest(run).catch(() => undefined);
  if (!manifest || endpoint === "/v1/embeddings") return;
  using reader = new RunReader(run);
  for (let from = after; ; from += ITEMS_PER_READ) {
    const items = reader.read(from, ITEMS_PER_READ);
    for (const { item, record } of items) {
      if (!record) return;
      yield formatChatLine({ item, record }, { run: manifest.run, endpoint }).text;
    }
    if (items.length < ITEMS_PER_READ) return;
  }
}

/** Combines the output and the error file, each of which has its lines in the order of the input. */
async function* mergeFiles({ input, run, folder }: BatchPaths, after: number): AsyncGenerator<string> {
  const sources = [new LineSource(join(run, RESULT_FILES.batch)), new LineSource(join(folder, "errors.jsonl"))];
  let number = 0;
  for await (const lines of readLines(createReadStream(input))) {
    for (const line of lines) {
      const request = "text" in line ? parseObject(line.text) : undefined;
      // Gemini's batch files call it key.
      const id = readText(request, "custom_id") ?? readText(request, "key");
      if (id === undefined) continue;
      const source = await findSource(sources, id);
      if (!source) continue;
      number += 1;
      const text = source.take();
      if (number > after) yield `${text}\n`;
    }
  }
}

async function findSource(sources: readonly LineSource[], id: string): Promise<LineSource | undefined> {
  for (const source of sources) if ((await source.peekId()) === id) return source;
  return undefined;
}

/** The lines of a file one by one; none if it does not exist. */
class LineSource {
  readonly #lines: AsyncGenerator<string>;
  #head: string | undefined;
  #id: string | undefined;

  constructor(path: string) {
    this.#lines = readTexts(path);
  }

  /** The `custom_id` of the next line; undefined at the end. */
  async peekId(): Promise<string | undefined> {
    if (this.#head !== undefined) return this.#id;
    const next = await this.#lines.next();
    if (next.done) return undefined;
    this.#head = next.value;
    const line: unknown = JSON.parse(next.value);
    this.#id = isObject(line) ? readText(line, "custom_id") : undefined;
    return this.#id;
  }

  take(): string {
    const text = this.#head ?? "";
    this.#head = undefined;
    return text;
  }
}

async function* readTexts(path: string): AsyncGenerator<string> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  for await (const lines of readLines(createReadStream(path)))
    for (const line of lines) if ("text" in line) yield line.text;
}
