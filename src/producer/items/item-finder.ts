import { RunError } from "#src/core/failures/errors.ts";
import { toRunDatabaseError } from "#src/producer/storage/run-database.ts";
import { type ItemWithRecord, RunReader } from "#src/producer/storage/run-reader.ts";
import {
  INDEX_SORT,
  type ItemCursor,
  type ItemQuery,
  type ItemSort,
  isRecordColumn,
  selectsFailures,
  splitByRecord,
} from "./item-query.ts";
import {
  type QueryFeatures,
  type SelectOptions,
  selectItems,
  selectWaitingBlock,
  WAITING_BLOCK_ITEMS,
} from "./item-query-sql.ts";
import { toMatchExpression } from "./match-expression.ts";
import { attachSearchIndex, countNewAnswers, hasAnswers } from "./search-index.ts";
import { checkWhereExpression } from "./where-expression.ts";

export interface PageRequest {
  readonly sort: ItemSort;
  readonly after?: ItemCursor | undefined;
  readonly limit: number;
}

export interface FoundItems {
  readonly items: readonly ItemWithRecord[];
  /** Where the next page starts; undefined on the last page. */
  readonly next: ItemCursor | undefined;
}

/** Items that are examined in the order of the list before the plan for rare matches is used. */
const NEAR_ITEMS = 8_192;
const ITEMS_PER_READ = 500;
/** A text that one in this many items has is frequent; of rarer ones, all matches can be sorted. */
const ITEMS_PER_MATCH = 4;

/**
 * Finds items in a run's database, while its coordinator may be writing. Lists by page are stable: an item is on two pages
 * only if it changed in between. Methods throw an InputError for a query that is not valid. Close it after use.
 */
export class ItemFinder {
  readonly reader: RunReader;
  readonly #dir: string;
  readonly #features: QueryFeatures;
  readonly #nearItems: number;

  /** Throws a RunError when the database is missing, damaged, or of a newer version. */
  constructor(dir: string, { nearItems = NEAR_ITEMS }: { readonly nearItems?: number } = {}) {
    this.#dir = dir;
    this.#nearItems = nearItems;
    this.reader = new RunReader(dir);
    try {
      const { database } = this.reader;
      const items = database.prepare('SELECT coalesce(max("index") + 1, 0) AS items FROM items').get()?.items;
      this.#features = {
        items: Number(items),
        hasAnswers: hasAnswers(database),
        hasSearchIndex: attachSearchIndex(database, dir),
      };
    } catch (error) {
      this.close();
      throw toRunDatabaseError(error, dir);
    }
  }

  get hasSearchIndex(): boolean {
    return this.#features.hasSearchIndex;
  }

  /** Whether answers were recorded that a search for text does not find yet. */
  hasNewAnswers(): boolean {
    const { hasAnswers: mayHaveAnswers, hasSearchIndex } = this.#features;
    return mayHaveAnswers && hasSearchIndex && countNewAnswers(this.reader.database) > 0;
  }

  find(query: ItemQuery, { sort, after, limit }: PageRequest): FoundItems {
    this.#check(query);
    // One more than the page shows whether there is a next page.
    const cursors = this.#findCursors(query, { sort, after, limit: limit + 1 });
    const page = cursors.slice(0, limit);
    return {
      items: this.reader.readMany(page.map(({ index }) => index)),
      next: cursors.length > limit ? page.at(-1) : undefined,
    };
  }

  /** Reads all matching items in groups. Keeps one group and the indices of one step in memory. */
  *readAll(query: ItemQuery, sort: ItemSort = INDEX_SORT): Generator<ItemWithRecord[]> {
    for (const indices of this.listSteps(query, sort)) {
      for (let at = 0; at < indices.length; at += ITEMS_PER_READ) {
        yield this.reader.readMany(indices.slice(at, at + ITEMS_PER_READ));
      }
    }
  }

  /** The indices of all matching items. */
  *listIndices(query: ItemQuery, sort: ItemSort = INDEX_SORT): Generator<number> {
    for (const indices of this.listSteps(query, sort)) yield* indices;
  }

  /**
   * The indices of all matching items in steps, of which some are empty. No statement is open between two steps: an open one
   * would keep the coordinator from truncating the WAL. A list by index has a step per block of items.
   */
  *listSteps(query: ItemQuery, sort: ItemSort = INDEX_SORT): Generator<readonly number[]> {
    this.#check(query);
    for (const part of splitByRecord(query, sort)) {
      for (const within of this.#divide(part.query, part.sort)) {
        yield this.#select(part.query, { sort: part.sort, within }).map(({ index }) => Number(index));
      }
    }
  }

  /** The ranges of a list; one for all items if their matches are found by a search index, or an index of large tables. */
  *#divide(query: ItemQuery, { column, descending }: ItemSort): Generator<SelectOptions["within"]> {
    const { items, hasAnswers: isLarge } = this.#features;
    const isDivided = query.text === undefined && query.metadata === undefined && query.id === undefined;
    if (column !== "index" || !isDivided || (isLarge && query.where === undefined)) {
      yield undefined;
      return;
    }
    const blocks = Math.ceil(items / this.#nearItems);
    for (let i = 0; i < blocks; i += 1) {
      const from = (descending ? blocks - 1 - i : i) * this.#nearItems;
      yield { from, to: from + this.#nearItems - 1 };
    }
  }

  /** Returns the number of matching items where that takes no scan; else undefined. */
  count(query: ItemQuery): number | undefined {
    const names = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (names.length === 0) return this.#features.items;
    const isCheap = selectsFailures(query) && names.every((name) => FAILURE_CRITERIA.has(name));
    if (!isCheap) return undefined;
    const { sql, parameters } = selectItems(query, this.#features, { sort: INDEX_SORT });
    const counted = this.reader.database.prepare(`SELECT count(*) AS count FROM (${sql})`).get(...parameters);
    return Number(counted?.count);
  }

  close(): void {
    this.reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #check({ text, where }: ItemQuery): void {
    if (where !== undefined) checkWhereExpression(this.reader.database, where);
    if (text !== undefined && !this.hasSearchIndex)
      throw new RunError(`the search index of ${this.#dir} is not built yet`);
  }

  #findCursors(query: ItemQuery, { sort, after, limit }: PageRequest): ItemCursor[] {
    const found: ItemCursor[] = [];
    for (const part of splitByRecord(query, sort)) {
      const isLast = part.isWaiting;
      if (after?.isWaiting === true && !isLast) continue;
      const start = after && after.isWaiting === isLast ? after : undefined;
      const options = { sort: part.sort, after: start, limit: limit - found.length };
      const rows =
        this.#findNear(part.query, options) ??
        this.#findFirstMatches(part.query, options) ??
        this.#select(part.query, this.#addBound(part.query, options));
      for (const { index, value } of rows) {
        found.push({
          index: Number(index),
          value: typeof value === "string" ? value : Number(value),
          isWaiting: isLast,
        });
      }
      if (found.length >= limit) break;
    }
    return found;
  }

  /**
   * Looks for a page by index or id among the items that follow the cursor. Returns undefined unless they fill it: frequent
   * matches are near, and the plan for rare ones would find and sort them all.
   */
  #findNear(query: ItemQuery, options: SelectOptions & { readonly limit: number }) {
    const { sort, after, limit } = options;
    const isMatch = this.hasSearchIndex && (query.text !== undefined || query.metadata !== undefined);
    if (isRecordColumn(sort.column) || query.id !== undefined || isMatch) return undefined;
    if (sort.column === "id") {
      const found = this.#select(query, { ...options, nearIds: this.#nearItems });
      return found.length >= limit ? found : undefined;
    }
    const step = sort.descending ? -1 : 1;
    let start = after === undefined ? (sort.descending ? this.#features.items - 1 : 0) : after.index + step;
    if (query.status === "waiting") {
      const { sql, parameters } = selectWaitingBlock(this.#features.items, {
        from: start,
        descending: sort.descending,
      });
      const block = this.reader.database.prepare(sql).get(...parameters)?.start;
      if (typeof block !== "number") return [];
      start = sort.descending ? Math.min(start, block + WAITING_BLOCK_ITEMS - 1) : Math.max(start, block);
    }
    const end = start + step * this.#nearItems;
    const within = { from: Math.min(start, end), to: Math.max(start, end) };
    const rows = this.#select(query, { ...options, within });
    return rows.length >= limit ? rows : undefined;
  }

  /**
   * Sorted by a column of the records, matches of a frequent word are among the first items of the list of all items. Returns
   * undefined unless these fill the page: then all matches are found and sorted.
   */
  #findFirstMatches({ text, ...others }: ItemQuery, options: SelectOptions & { readonly limit: number }) {
    const { hasSearchIndex, hasAnswers: isLarge } = this.#features;
    if (text === undefined || others.metadata || !hasSearchIndex || isLarge || !isRecordColumn(options.sort.column))
      return;
    const { limit } = options;
    const first = this.#select(others, this.#addBound(others, { ...options, limit: limit * ITEMS_PER_MATCH }));
    const isMatch = this.reader.database.prepare("SELECT 1 FROM search.texts WHERE texts MATCH ? AND rowid = ?");
    const expression = toMatchExpression(text, "text");
    const rows = first.filter(({ index }) => isMatch.get(expression, Number(index)) !== undefined);
    return rows.length >= limit ? rows.slice(0, limit) : undefined;
  }

  /**
   * Sorted by a column of the records, the last value of a page of a sample is a bound for all rows: those behind it need not
   * be sorted. The sample is taken where records that were added in order have the first values of the list.
   */
  #addBound(query: ItemQuery, options: SelectOptions & { readonly limit: number }): SelectOptions {
    const { sort, limit } = options;
    if (!isRecordColumn(sort.column)) return options;
    const last = this.reader.database.prepare('SELECT max("index") AS last FROM records').get()?.last;
    const to = sort.descending ? Number(last) : this.#nearItems;
    const value = this.#select(query, { ...options, within: { from: to - this.#nearItems, to } })[limit - 1]?.value;
    return typeof value === "number" ? { ...options, bound: value } : options;
  }

  #select(query: ItemQuery, options: SelectOptions) {
    const { sql, parameters } = selectItems(query, this.#features, options);
    return this.reader.database.prepare(sql).all(...parameters);
  }
}

const FAILURE_CRITERIA: ReadonlySet<string> = new Set(["status", "kinds", "cause", "excludedCauses"]);
