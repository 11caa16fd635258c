import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { toDiskError } from "#src/core/failures/disk-error.ts";
import type { Failure } from "#src/core/item.ts";
import type { ItemWithRecord } from "#src/producer/storage/run-reader.ts";
import type { RecordedItemStatus } from "./item-query.ts";

/** One item as JSON, with everything that the database contains about it, except a vector. */
export interface ExportedItem {
  readonly index: number;
  readonly id: string;
  readonly status: RecordedItemStatus;
  /** As reported by the provider; absent while the item waits. */
  readonly tokens?: number;
  readonly attempts?: number;
  readonly durationMs?: number;
  readonly lane?: string;
  /** ISO 8601. */
  readonly recordedAt?: string;
  readonly failure?: Failure;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The text of an embedding item, or the request of a chat item as JSON. */
  readonly text?: string;
  readonly answer?: unknown;
}

export const EXPORT_FORMATS = ["jsonl", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** `texts: false` leaves out what the item and its answer say: text, metadata, and answer. */
export function toExportedItem(
  { item, record, call }: ItemWithRecord,
  { texts }: { readonly texts: boolean },
): ExportedItem {
  const base: ExportedItem = {
    index: item.index,
    id: item.id,
    status: record?.status ?? "waiting",
    tokens: record?.tokens,
    attempts: record?.attempts,
    durationMs: call?.durationMs,
    lane: call?.lane,
    recordedAt: record && new Date(record.recordedAt).toISOString(),
    failure: record?.failure,
  };
  if (!texts) return base;
  const answer: unknown = record?.answer === undefined ? undefined : JSON.parse(record.answer);
  return { ...base, metadata: item.metadata, text: item.text, answer };
}

const CSV_COLUMNS = ["index", "id", "status", "tokens", "attempts", "durationMs", "lane", "recordedAt"] as const;
const CSV_FAILURE_COLUMNS = ["kind", "code", "message", "providerMessage", "param"] as const;
const CSV_TEXT_COLUMNS = ["metadata", "text", "answer"] as const;

/** Yields the file as text, a group of items at a time. */
export function* formatItems(
  groups: Iterable<readonly ItemWithRecord[]>,
  { format, texts }: { readonly format: ExportFormat; readonly texts: boolean },
): Generator<{ readonly text: string; readonly items: number }> {
  const textColumns = texts ? CSV_TEXT_COLUMNS : [];
  if (format === "csv") {
    yield { text: formatCsvRow([...CSV_COLUMNS, ...CSV_FAILURE_COLUMNS, ...textColumns]), items: 0 };
  }
  const toLine = (item: ExportedItem) => {
    if (format === "jsonl") return `${JSON.stringify(item)}\n`;
    const failure = CSV_FAILURE_COLUMNS.map((column) => item.failure?.[column]);
    return formatCsvRow([
      ...CSV_COLUMNS.map((column) => item[column]),
      ...failure,
      ...textColumns.map((column) => item[column]),
    ]);
  };
  for (const group of groups) {
    yield { text: group.map((item) => toLine(toExportedItem(item, { texts }))).join(""), items: group.length };
  }
}

/**
 * Writes all items to a file, which appears when it is complete; it replaces an existing one. Keeps one group in memory.
 * Resolves with the number of items. Rejects with a RunError when the file cannot be written, with the signal's reason, and
 * with the error of a query that fails.
 */
export async function exportItems(
  path: string,
  groups: Iterable<readonly ItemWithRecord[]>,
  { format, signal }: { readonly format: ExportFormat; readonly signal: AbortSignal },
): Promise<number> {
  const partial = `${path}.partial-${process.pid}`;
  try {
    const count = await writeItems(partial, groups, { format, signal });
    await rename(partial, path);
    return count;
  } catch (error) {
    await rm(partial, { force: true });
    throw error instanceof Error && "syscall" in error ? toDiskError(error, dirname(path)) : error;
  }
}

async function writeItems(
  path: string,
  groups: Iterable<readonly ItemWithRecord[]>,
  { format, signal }: { readonly format: ExportFormat; readonly signal: AbortSignal },
): Promise<number> {
  await using file = await open(path, "w");
  let count = 0;
  for (const { text, items } of formatItems(groups, { format, texts: true })) {
    await file.writeFile(text);
    count += items;
    await setImmediate();
    signal.throwIfAborted();
  }
  await file.sync();
  return count;
}

function formatCsvRow(values: readonly unknown[]): string {
  return `${values.map(formatCsvCell).join(",")}\r\n`;
}

function formatCsvCell(value: unknown): string {
  if (value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
