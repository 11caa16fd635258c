import { once } from "node:events";
import { extname, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatMany } from "#src/cli/format/format-number.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { findRunFolder, requireManifest, requireRunDatabase } from "#src/cli/wiring/find-run.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { parseItemFilterOptions, prepareSearch, resolveOtherCause } from "#src/cli/wiring/item-filter.ts";
import { loadConfig } from "#src/config/config.ts";
import { EXPORT_FORMATS, type ExportFormat, exportItems, formatItems } from "#src/producer/items/item-export.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { ITEM_SORT_COLUMNS, type ItemQuery, type ItemSort, parseItemSort } from "#src/producer/items/item-query.ts";
import type { ItemWithRecord } from "#src/producer/storage/run-reader.ts";
import type { itemsCommand } from "./definition.ts";
import { formatItemTable } from "./format-item-table.ts";

/** Items in a table unless --limit is given. */
const TABLE_ITEMS = 20;

/** `sluice items` */
export async function runItems(requested: string, options: OptionValues<typeof itemsCommand>): Promise<number> {
  const parsed = parseItemFilterOptions(options);
  const sort = parseItemSort(options.sort);
  if (!sort) throw CLI_ERRORS.unknownSort(options.sort, ITEM_SORT_COLUMNS);
  const file =
    options.export === undefined ? undefined : { path: resolve(options.export), format: getFormat(options.export) };
  const config = loadConfig({ file: options.config });
  const dir = await findRunFolder(requested, config);
  const manifest = await requireManifest(dir);
  requireRunDatabase(dir);
  const query = await resolveOtherCause(parsed, { dir, manifest }, config);
  prepareSearch(dir, query);
  using finder = new ItemFinder(dir);
  if (file) return await exportMatches(finder.readAll(query, sort), file);
  if (process.stdout.isTTY && !options.json) printTable(finder, query, sort, options.limit ?? TABLE_ITEMS);
  else await printJson(finder.readAll(query, sort), options.limit ?? Number.POSITIVE_INFINITY);
  return EXIT_CODES.ok;
}

function getFormat(path: string): ExportFormat {
  const format = EXPORT_FORMATS.find((name) => extname(path).toLowerCase() === `.${name}`);
  if (format) return format;
  throw CLI_ERRORS.unknownExportFormat(path);
}

async function exportMatches(
  groups: Iterable<readonly ItemWithRecord[]>,
  { path, format }: { readonly path: string; readonly format: ExportFormat },
): Promise<number> {
  const interrupt = listenForInterrupt();
  try {
    const count = await exportItems(path, groups, { format, signal: interrupt.signal });
    process.stderr.write(`${formatMany(count, "item")} written to ${path}\n`);
    return EXIT_CODES.ok;
  } catch (error) {
    if (error !== interrupt.signal.reason) throw error;
    process.stderr.write(`interrupted; ${path} was not written\n`);
    return EXIT_CODES.interrupted;
  } finally {
    interrupt.dispose();
  }
}

function printTable(finder: ItemFinder, query: ItemQuery, sort: ItemSort, limit: number): void {
  const { items, next } = finder.find(query, { sort, limit });
  const total = finder.count(query);
  if (items.length === 0) {
    process.stdout.write("No matching items.\n");
    return;
  }
  process.stdout.write(`${formatItemTable(items, process.stdout.columns ?? 100)}\n`);
  if (!next) return;
  const of = total === undefined ? "" : ` of ${formatMany(total, "item")}`;
  process.stdout.write(
    `The first ${items.length}${of} are shown; --limit shows more, --export writes all to a file.\n`,
  );
}

async function printJson(groups: Iterable<readonly ItemWithRecord[]>, limit: number): Promise<void> {
  let left = limit;
  for (const group of groups) {
    const shown = group.slice(0, left);
    left -= shown.length;
    for (const { text } of formatItems([shown], { format: "jsonl", texts: true })) {
      if (!process.stdout.write(text)) await once(process.stdout, "drain");
    }
    if (left <= 0) return;
  }
}
