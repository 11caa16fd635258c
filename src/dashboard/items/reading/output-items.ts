import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LruCache } from "#src/core/lru-cache.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import { openParquetItems, type ParquetItems } from "#src/producer/search/parquet-items.ts";
import type { ResultItem } from "#src/producer/search/result.ts";
import { LineFile } from "./line-file.ts";
import type { StoredItem } from "./stored-item.ts";

export interface ReadOutputOptions {
  readonly from: number;
  /** Include requests or answers, as far as the output has them. */
  readonly texts: boolean;
  /** Only items whose line contains this in lower case are wanted; others may be skipped without parsing them. */
  readonly linePrefilter?: string | undefined;
}

export interface ItemGroup {
  readonly items: readonly StoredItem[];
  /** All items before this index have been read. */
  readonly next: number;
}

type OpenOutput = { readonly version: string } & ({ readonly parquet: ParquetItems } | { readonly lines: LineFile });

/** Outputs whose footer or line offsets are cached: some hundred KB for a million items. */
const MAX_CACHED_OUTPUTS = 8;

/** Reads the items of finished runs from their output files. */
export class OutputReader {
  /** By path. */
  readonly #outputs = new LruCache<string, OpenOutput>(MAX_CACHED_OUTPUTS);

  /** The items from index `from` on, in groups; groups may be empty. Stop iterating to stop reading. */
  async *read(folder: RunFolder, { from, texts, linePrefilter }: ReadOutputOptions): AsyncGenerator<ItemGroup> {
    const output = await this.#open(folder);
    if ("parquet" in output) {
      for await (const items of output.parquet.read(from, { texts })) {
        yield { items: items.map(toStoredItem), next: (items.at(-1)?.index ?? from) + 1 };
      }
      return;
    }
    const parse = isBatch(folder.manifest) ? parseBatchLine : parseRecordLine;
    for await (const { first, lines, next } of output.lines.read(from)) {
      const items: StoredItem[] = [];
      for (const [i, line] of lines.entries()) {
        if (line === "" || (linePrefilter !== undefined && !line.toLowerCase().includes(linePrefilter))) continue;
        items.push(parse(line, first + i));
      }
      yield { items, next: Math.max(from, next) };
    }
  }

  /** Throws an HttpError when the output file is missing. */
  async #open({ dir, manifest }: RunFolder): Promise<OpenOutput> {
    const { format } = manifest.output;
    const path = join(dir, RESULT_FILES[format === "npy" ? "npyItems" : format]);
    const { size, mtimeMs } = await stat(path).catch(() => {
      throw new HttpError(ERRORS.outputMissing(dir));
    });
    const version = `${size} ${mtimeMs}`;
    const cached = this.#outputs.get(path);
    if (cached?.version === version) return cached;
    const output =
      format === "parquet"
        ? { version, parquet: await openParquetItems(path) }
        : { version, lines: new LineFile(path) };
    this.#outputs.set(path, output);
    return output;
  }
}

/** A text that every line with `needle` in its id or text contains; undefined where JSON may escape it differently. */
export function toLinePrefilter(needle: string): string | undefined {
  return needle === "" || /["\\\p{Cc}\p{Cs}]/u.test(needle) ? undefined : needle;
}

function toStoredItem({ id, index, status, tokens, attempts, text, metadata }: ResultItem): StoredItem {
  return { id, index, status: status === "ok" ? "succeeded" : "failed", tokens, attempts, text, metadata };
}

// Hot path: searches parse every line of an output that Sluice wrote itself, so lines are cast instead of validated.

/** The vector may be most of the line and is not needed, so it is cut out before parsing. */
function parseRecordLine(line: string): StoredItem {
  const begin = line.indexOf('"vector":[');
  const end = begin === -1 ? -1 : line.indexOf("]", begin);
  return toStoredItem(JSON.parse(end === -1 ? line : `${line.slice(0, begin)}"vector":null${line.slice(end + 1)}`));
}

/** A line of a finished batch run. Its working folder is only deleted when no item failed. */
function parseBatchLine(line: string, index: number): StoredItem {
  const {
    id,
    custom_id = id,
    tokens: billed,
    results,
    response,
  } = JSON.parse(line) as {
    readonly id?: unknown;
    readonly custom_id?: unknown;
    readonly tokens?: unknown;
    readonly results?: unknown;
    readonly response?: { readonly body?: { readonly usage?: { readonly total_tokens?: unknown } } };
  };
  const tokens = response?.body?.usage?.total_tokens ?? billed;
  return {
    index,
    id: String(custom_id ?? index),
    status: "succeeded",
    tokens: typeof tokens === "number" ? tokens : undefined,
    answer: response?.body ?? results,
  };
}
