import { omitUndefined } from "#src/core/omit-undefined.ts";

/** A range of numbers; both ends are included. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** Parses "10..200", "10..", "..200", or "10"; returns undefined for other texts. */
export function parseRange(text: string): NumberRange | undefined {
  const [, low = "", dots = "", high = ""] = /^(\d{0,15})(\.\.)?(\d{0,15})$/.exec(text.trim()) ?? [];
  if (low === "" && high === "") return undefined;
  return omitUndefined({
    min: low === "" ? undefined : Number(low),
    max: high === "" ? (dots === "" ? Number(low) : undefined) : Number(high),
  });
}

export const ITEM_STATUSES = ["waiting", "ok", "failed"] as const;
export type RecordedItemStatus = (typeof ITEM_STATUSES)[number];

/** Selects the items of a run that match all given criteria; without criteria, all items. */
export interface ItemQuery {
  /**
   * Words that the item's text or its answer contains, in any order. `"..."` is a phrase, `word*` a prefix. Case and accents
   * do not matter. Requires the search index.
   */
  readonly text?: string;
  readonly id?: string;
  /** Part of the id; the case of ASCII letters does not matter. */
  readonly idContains?: string;
  readonly status?: RecordedItemStatus;
  /** Kinds of failures. */
  readonly kinds?: ReadonlySet<string>;
  /** See `computeFailureCause`. */
  readonly cause?: string;
  /** Excludes failures with these causes. */
  readonly excludedCauses?: ReadonlySet<string>;
  /** A top-level field of the metadata, and its value as text. */
  readonly metadata?: { readonly key: string; readonly value: string };
  /** As reported by the provider. Items without a record match no range. */
  readonly tokens?: NumberRange;
  readonly attempts?: NumberRange;
  /** Of the call that gave the record. */
  readonly durationMs?: NumberRange;
  readonly lane?: string;
  /** Only chat answers whose text is empty. */
  readonly isEmpty?: boolean;
  /** A SQL expression over the view `results`; see `checkWhereExpression`. */
  readonly where?: string;
}

export const ITEM_SORT_COLUMNS = ["index", "id", "tokens", "duration", "attempts", "recorded"] as const;
export type ItemSortColumn = (typeof ITEM_SORT_COLUMNS)[number];

/** Parses "tokens" or "tokens:desc"; returns undefined for other texts. */
export function parseItemSort(text: string): ItemSort | undefined {
  const [name, direction = "asc", ...rest] = text.split(":");
  const column = ITEM_SORT_COLUMNS.find((one) => one === name);
  if (!column || rest.length > 0 || !["asc", "desc"].includes(direction)) return undefined;
  return { column, descending: direction === "desc" };
}

/** Items that are equal in the column are sorted by index, in the same direction. */
export interface ItemSort {
  readonly column: ItemSortColumn;
  readonly descending: boolean;
}

/** The position of an item in a sorted list: the value of its column, and its index. The next page starts behind it. */
export interface ItemCursor {
  readonly value: string | number;
  readonly index: number;
  /** Sorted by a column of the records, items without a record come last, by index. */
  readonly isWaiting: boolean;
}

/** Whether only failed items can match. */
export function selectsFailures({ status, kinds, cause, excludedCauses }: ItemQuery): boolean {
  return status === "failed" || kinds !== undefined || cause !== undefined || excludedCauses !== undefined;
}

/** Whether the query restricts numbers of records, or their lane. */
export function hasRange({ tokens, attempts, durationMs, lane }: ItemQuery): boolean {
  const isBounded = (range: NumberRange | undefined) => range?.min !== undefined || range?.max !== undefined;
  return lane !== undefined || [tokens, attempts, durationMs].some(isBounded);
}

/** Whether only items with a record can match. */
export function selectsRecords(query: ItemQuery): boolean {
  return query.status === "ok" || query.isEmpty === true || selectsFailures(query) || hasRange(query);
}

export function isRecordColumn(column: ItemSortColumn): boolean {
  return column !== "index" && column !== "id";
}

/** The part of a query that a retry processes again: failed items, or empty answers if the query selects these. */
export function toRetryQuery(query: ItemQuery): ItemQuery {
  return { ...query, status: query.isEmpty === true ? "ok" : "failed" };
}

/** By index, from the first item on. */
export const INDEX_SORT: ItemSort = { column: "index", descending: false };

/** A list that is sorted by a column of the records: first the items with a record, then the others by index. */
export function splitByRecord(query: ItemQuery, sort: ItemSort) {
  const waiting = { query: { ...query, status: "waiting" as const }, sort: INDEX_SORT, isWaiting: true };
  if (!isRecordColumn(sort.column)) return [{ query, sort, isWaiting: false }];
  if (query.status === "waiting") return [waiting];
  const recorded = { query, sort, isWaiting: false };
  return query.status === undefined && !selectsRecords(query) ? [recorded, waiting] : [recorded];
}
