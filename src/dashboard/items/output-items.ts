import { stat } from "node:fs/promises";
import { join } from "node:path";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import { openParquetItems, type ParquetItems } from "#src/producer/search/parquet-items.ts";
import type { ResultItem } from "#src/producer/search/result.ts";
import { LineFile } from "./line-file.ts";
import type { StoredItem } from "./stored-item.ts";

export interface ReadOutputOptions {
  readonly from: number;
  /** With what was asked or answered, as far as the output has it. */
  readonly texts: boolean;
  /** Only items whose line, in lower case, holds this can be wanted; others may be left out unread. */
  readonly linePrefilter?: string;
}

export interface OutputGroup {
  readonly items: readonly StoredItem[];
  /** Items before this one have been looked at. */
  readonly next: number;
}

type OpenOutput = { readonly parquet: ParquetItems } | { readonly lines: LineFile };

/** Outputs whose footer or line numbers are held: some hundred KB for a million items. */
const MAX_CACHED_OUTPUTS = 8;
const outputCache = new Map<string, { readonly version: string; readonly opened: OpenOutput }>();

/** The items of a finished run from its output, in groups; some groups may be empty. Stop iterating to stop reading. */
export async function* readOutputItems(
  folder: RunFolder,
  { from, texts, linePrefilter }: ReadOutputOptions,
): AsyncGenerator<OutputGroup> {
  const opened = await openOutput(folder);
  if ("parquet" in opened) {
    for await (const items of opened.parquet.read(from, { texts })) {
      yield { items: items.map(fromRecord), next: (items.at(-1)?.index ?? from) + 1 };
    }
    return;
  }
  const parse = isBatch(folder.manifest) ? fromBatchLine : fromRecordLine;
  for await (const { first, lines, next } of opened.lines.read(from)) {
    const items: StoredItem[] = [];
    for (const [i, line] of lines.entries()) {
      if (line === "" || (linePrefilter !== undefined && !line.toLowerCase().includes(linePrefilter))) continue;
      items.push(parse(line, first + i));
    }
    yield { items, next: Math.max(from, next) };
  }
}

/** What a line must hold for its id or text to hold `wanted`; undefined where JSON may spell it in another way. */
export function toLinePrefilter(needle: string): string | undefined {
  return needle === "" || /["\\\p{Cc}\p{Cs}]/u.test(needle) ? undefined : needle;
}

async function openOutput({ dir, manifest }: RunFolder): Promise<OpenOutput> {
  const { format } = manifest.output;
  const path = join(dir, RESULT_FILES[format === "npy" ? "npyItems" : format]);
  const { size, mtimeMs } = await stat(path).catch(() => {
    throw new HttpError("folder-on-other-host", `The output of this run is not in ${dir} any more.`);
  });
  const version = `${size} ${mtimeMs}`;
  const known = outputCache.get(path);
  const opened =
    known?.version === version
      ? known.opened
      : format === "parquet"
        ? { parquet: await openParquetItems(path) }
        : { lines: new LineFile(path) };
  outputCache.delete(path);
  outputCache.set(path, { version, opened });
  const [oldest] = outputCache.keys();
  if (outputCache.size > MAX_CACHED_OUTPUTS && oldest !== undefined) outputCache.delete(oldest);
  return opened;
}

function fromRecord({ id, index, status, tokens, attempts, text, metadata }: ResultItem): StoredItem {
  return {
    id,
    index,
    status: status === "ok" ? "succeeded" : "failed",
    tokens,
    attempts,
    text,
    metadata,
  };
}

/** Its vector may be most of a line, and nobody asks for it here. */
function fromRecordLine(line: string): StoredItem {
  const begin = line.indexOf('"vector":[');
  const end = begin === -1 ? -1 : line.indexOf("]", begin);
  return fromRecord(JSON.parse(end === -1 ? line : `${line.slice(0, begin)}"vector":null${line.slice(end + 1)}`));
}

/** The lines of a finished run of requests; its working folder only goes when none of them failed. */
function fromBatchLine(line: string, index: number): StoredItem {
  const { custom_id, response } = JSON.parse(line) as {
    readonly custom_id?: unknown;
    readonly response?: { readonly body?: { readonly usage?: { readonly total_tokens?: unknown } } };
  };
  const tokens = response?.body?.usage?.total_tokens;
  return {
    index,
    id: String(custom_id ?? index),
    status: "succeeded",
    tokens: typeof tokens === "number" ? tokens : undefined,
    answer: response?.body === undefined ? undefined : response.body,
  };
}
