// Benchmark "items": first pages of searches in a run of 1,000,000 items, its search index, an export, and a retry by filter.
import { statSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type ItemQuery, parseItemSort } from "#src/producer/items/item-query.ts";
import { updateSearchIndex } from "#src/producer/items/search-index.ts";
import { resetRecords } from "#src/producer/storage/failure-rows.ts";
import { openRunDatabase } from "#src/producer/storage/run-database.ts";
import { SEARCH_INDEX } from "#src/producer/storage/schema.ts";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { measureProcess } from "./measure-process.ts";
import { writeRunFolder } from "./run-folder.ts";
import { SLUICE } from "./sluice-command.ts";
import { computeSpread, formatMarkdownTable, formatMegabytes, number } from "./table.ts";

export interface ItemsOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface PageCost {
  readonly name: string;
  readonly maxMs: number;
  readonly found: number;
  readonly times: readonly number[];
  /** CPU time; on an idle machine about the same, because SQLite runs in one thread. */
  readonly cpuTimes: readonly number[];
}

export interface ItemsResult {
  readonly items: number;
  readonly index: { readonly seconds: number; readonly bytes: number };
  readonly pages: readonly PageCost[];
  readonly export: {
    readonly seconds: number;
    readonly cpuSeconds: number;
    readonly bytes: number;
    readonly peakBytes: number;
  };
  readonly retry: { readonly seconds: number; readonly items: number };
}

const PAGE_ITEMS = 50;
const MAX_PAGE_MS = 200;
const MAX_LOOKUP_MS = 20;

/** Name, filter, order, and target. */
const PAGES: readonly (readonly [name: string, query: ItemQuery, sort?: string, maxMs?: number])[] = [
  ["by id", { id: "corpus/part-500.md#500" }, "index", MAX_LOOKUP_MS],
  ["all", {}],
  ["failed", { status: "failed" }],
  ["succeeded, by id, descending", { status: "ok" }, "id:desc"],
  ["waiting (none)", { status: "waiting" }],
  ["cause that does not exist", { cause: "000000000000" }],
  ["id contains", { idContains: "999.md#99" }],
  ["word in 1 text", { text: "777777" }],
  ["word in all texts", { text: "corpus" }],
  ["word in all texts, by tokens", { text: "corpus" }, "tokens:desc"],
  ["phrase in all texts, failed, by duration", { text: '"document usually"', status: "failed" }, "duration:desc"],
  ["metadata", { metadata: { key: "part", value: "500" } }],
  ["all, by tokens", {}, "tokens"],
  ["all, by duration, descending", {}, "duration:desc"],
  ["all, by time, descending", {}, "recorded:desc"],
  ["tokens in a range that 1 in 200 has", { tokens: { min: 259 } }],
  ["attempts that no item has, by duration", { attempts: { min: 9 } }, "duration"],
];

export async function benchItems({ quick, log }: ItemsOptions): Promise<ItemsResult> {
  const items = quick ? 100_000 : 1_000_000;
  const dir = await makeFolder();
  try {
    await writeRunFolder(dir, { run: "e-items", model: "minimax/embo-01", items, failedEvery: 50 });
    log("run written");
    const startedAt = performance.now();
    for (const { done } of updateSearchIndex(dir)) if (done % 200_000 === 0) log(`${number(done)} items indexed`);
    const index = { seconds: secondsSince(startedAt), bytes: statSync(join(dir, SEARCH_INDEX)).size };
    const pages = PAGES.map((page) => measurePage(dir, page));
    for (const { name, times } of pages) log(`${name}: ${number(computeSpread(times).median)} ms`);
    const exported = await measureExport(dir);
    return { items, index, pages, export: exported, retry: await measureRetry(dir) };
  } finally {
    removeFolder(dir);
  }
}

/** Opens the database for every page, as the dashboard does. The first round warms up the page cache. */
function measurePage(
  dir: string,
  [name, query, sort = "index", maxMs = MAX_PAGE_MS]: (typeof PAGES)[number],
): PageCost {
  const times: number[] = [];
  const cpuTimes: number[] = [];
  let found = 0;
  for (let round = 0; round < 6; round++) {
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    using finder = new ItemFinder(dir);
    const order = parseItemSort(sort) ?? { column: "index", descending: false };
    found = finder.find(query, { sort: order, limit: PAGE_ITEMS }).items.length;
    const { user, system } = process.cpuUsage(cpu);
    if (round > 0) times.push(performance.now() - startedAt);
    if (round > 0) cpuTimes.push((user + system) / 1000);
  }
  return { name, found, times, cpuTimes, maxMs };
}

async function measureExport(dir: string): Promise<ItemsResult["export"]> {
  const path = join(dir, "export.jsonl");
  const { wallMs, cpuMs, peakRss, exitCode } = await measureProcess([SLUICE, "items", dir, "--export", path]);
  if (exitCode !== 0) throw new Error(`sluice items exited with ${exitCode}`);
  return {
    seconds: wallMs / 1000,
    cpuSeconds: cpuMs / 1000,
    bytes: statSync(path).size,
    peakBytes: Math.max(...Object.values(peakRss)),
  };
}

/** Finds and resets what "sluice retry --text" would, without calling a provider. */
async function measureRetry(dir: string): Promise<ItemsResult["retry"]> {
  const startedAt = performance.now();
  const finder = new ItemFinder(dir);
  const indices = [...finder.listIndices({ status: "failed", text: "sentence" })];
  finder.close();
  const { database } = openRunDatabase(dir);
  const { count } = await resetRecords(database, indices);
  database.close();
  return { seconds: secondsSince(startedAt), items: count };
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}

/** Throws if a page misses its documented target. CPU time counts, so that other work on the machine does not. */
export function assertItemsFast({ pages }: ItemsResult): void {
  const slow = pages.filter(({ cpuTimes, maxMs }) => !(computeSpread(cpuTimes).median < maxMs));
  if (slow.length === 0) return;
  throw new Error(`slower than the target: ${slow.map(({ name, maxMs }) => `${name} (${maxMs} ms)`).join(", ")}`);
}

export function describeItems({ items, index, pages, retry, export: exported }: ItemsResult): string {
  return [
    "### Items of a run",
    "",
    `${number(items)} items; first page of ${PAGE_ITEMS}.`,
    "",
    formatMarkdownTable(
      ["filter, order", "items on the page", "median ms", "median CPU ms", "target"],
      pages.map(({ name, found, times, cpuTimes, maxMs }) => {
        const [wall, cpu] = [computeSpread(times).median, computeSpread(cpuTimes).median];
        return [name, String(found), number(wall), number(cpu), `< ${number(maxMs)}`];
      }),
    ),
    "",
    formatMarkdownTable(
      ["work", "seconds", "size"],
      [
        ["build the search index, once per run", number(index.seconds), formatMegabytes(index.bytes)],
        [
          `\`sluice items --export\` of all items (${number(exported.cpuSeconds)} s CPU)`,
          number(exported.seconds),
          formatMegabytes(exported.bytes),
        ],
        [`find and reset ${number(retry.items)} failed items by text`, number(retry.seconds), "-"],
      ],
    ),
    "",
    `Peak memory of the export: ${formatMegabytes(exported.peakBytes)}.`,
  ].join("\n");
}
