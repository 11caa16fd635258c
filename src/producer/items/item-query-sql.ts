import type { SQLInputValue } from "node:sqlite";
import { IS_EMPTY_ANSWER } from "#src/producer/storage/schema.ts";
import {
  hasRange,
  type ItemCursor,
  type ItemQuery,
  type ItemSort,
  type ItemSortColumn,
  isRecordColumn,
  type NumberRange,
  selectsFailures,
  selectsRecords,
} from "./item-query.ts";
import { toMatchExpression, toMetadataExpression } from "./match-expression.ts";

/** SQL with "?" for each parameter. */
export interface SqlText {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

/** What the database offers besides the tables of every run. */
export interface QueryFeatures {
  /** Number of items of the run. */
  readonly items: number;
  /** The search index is attached as "search". */
  readonly hasSearchIndex: boolean;
  /** The run's answers are JSON; their table has `ANSWER_INDEXES`. */
  readonly hasAnswers: boolean;
}

export interface SelectOptions {
  readonly sort: ItemSort;
  readonly after?: ItemCursor | undefined;
  readonly limit?: number;
  /** Look only at items with these indices; `from` and `to` are included. */
  readonly within?: { readonly from: number; readonly to: number } | undefined;
  /** Sorted by id: look only at this many items behind the cursor. */
  readonly nearIds?: number;
  /** Values that come after this one in the list are not needed. */
  readonly bound?: string | number;
}

/** The tables of a statement: which one is read first, and the expression for the index of an item. */
interface Source {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
  readonly index: string;
}

/** Items per block in which `WAITING_BLOCKS` looks for items without a record. */
export const WAITING_BLOCK_ITEMS = 8_192;

/** The blocks with fewer records than items; counting the rows of a range takes SQLite much less time than joining them. */
const WAITING_BLOCKS = `
  WITH RECURSIVE blocks (start) AS (
    SELECT 0 UNION ALL SELECT start + ${WAITING_BLOCK_ITEMS} FROM blocks WHERE start + ${WAITING_BLOCK_ITEMS} < ?1)
  SELECT start FROM blocks WHERE
    (SELECT count(*) FROM records WHERE "index" >= start AND "index" < start + ${WAITING_BLOCK_ITEMS})
    < min(${WAITING_BLOCK_ITEMS}, ?1 - start)`;

const SORT_VALUES: Readonly<Record<Exclude<ItemSortColumn, "index">, string>> = {
  id: "i.id",
  tokens: "r.tokens",
  duration: "coalesce(r.duration_ms, -1)",
  attempts: "r.attempts",
  recorded: "r.recorded_at",
};

/**
 * The statement that selects `index` and `value` (of the sort column) of the items that match. Sorted by a column of the
 * records, it selects items with a record only. Every value is a parameter, except `where`, which must have been checked.
 */
export function selectItems(query: ItemQuery, features: QueryFeatures, options: SelectOptions): SqlText {
  const { sort, after, limit, within, bound } = options;
  const conditions = listConditions(query);
  const isIndexSort = sort.column === "index";
  const needsRecord = conditions.some(({ table }) => table === "record") || isRecordColumn(sort.column);
  const needsItem = conditions.some(({ table }) => table === "item") || sort.column === "id";
  const source = chooseSource(query, features, { needsRecord, needsItem, options });
  const { index } = source;
  const value = isIndexSort ? index : SORT_VALUES[sort.column as Exclude<ItemSortColumn, "index">];
  const all: SqlText[] = [...conditions];
  if (query.status === "waiting") {
    all.push({ sql: `NOT EXISTS (SELECT 1 FROM records w WHERE w."index" = ${index})`, parameters: [] });
  }
  if (query.where !== undefined) {
    all.push({
      sql: `EXISTS (SELECT 1 FROM results WHERE results."index" = ${index} AND (${query.where}\n))`,
      parameters: [],
    });
  }
  if (within) all.push({ sql: `${index} BETWEEN ? AND ?`, parameters: [within.from, within.to] });
  if (bound !== undefined) all.push({ sql: `${value} ${sort.descending ? ">=" : "<="} ?`, parameters: [bound] });
  if (after) {
    const operator = sort.descending ? "<" : ">";
    all.push(
      isIndexSort
        ? { sql: `${index} ${operator} ?`, parameters: [after.index] }
        : { sql: `(${value}, ${index}) ${operator} (?, ?)`, parameters: [after.value, after.index] },
    );
  }
  const where = all.length === 0 ? "" : ` WHERE ${all.map(({ sql }) => sql).join(" AND ")}`;
  const direction = sort.descending ? "DESC" : "ASC";
  const order = isIndexSort ? `${index} ${direction}` : `${value} ${direction}, ${index} ${direction}`;
  return {
    sql: `SELECT ${index} AS "index", ${value} AS value FROM ${source.sql}${where} ORDER BY ${order}${limit === undefined ? "" : " LIMIT ?"}`,
    parameters: [
      ...source.parameters,
      ...all.flatMap(({ parameters }) => parameters),
      ...(limit === undefined ? [] : [limit]),
    ],
  };
}

/** The first block, or the last one, that may contain an item without a record. */
export function selectWaitingBlock(
  items: number,
  { from, descending }: { from: number; descending: boolean },
): SqlText {
  const condition = descending
    ? "start <= ?2 ORDER BY start DESC"
    : `start > ?2 - ${WAITING_BLOCK_ITEMS} ORDER BY start`;
  return { sql: `SELECT start FROM (${WAITING_BLOCKS}) WHERE ${condition} LIMIT 1`, parameters: [items, from] };
}

interface SourceNeeds {
  readonly needsRecord: boolean;
  readonly needsItem: boolean;
  readonly options: SelectOptions;
}

/** SQLite keeps no statistics of these tables, so the table with the fewest candidates is named first. */
function chooseSource(query: ItemQuery, features: QueryFeatures, needs: SourceNeeds): Source {
  const { sort, after, within, nearIds } = needs.options;
  if (nearIds !== undefined) {
    const start = after === undefined ? "" : `WHERE id ${sort.descending ? "<" : ">"} ?`;
    const sql = `(SELECT "index", id, metadata FROM items ${start} ORDER BY id${sort.descending ? " DESC" : ""} LIMIT ?) i`;
    return joinTo({ ...ITEMS, sql, parameters: [...(after === undefined ? [] : [after.value]), nearIds] }, needs);
  }
  const isNear = within !== undefined;
  const match = features.hasSearchIndex ? toMatch(query, features) : undefined;
  if (match) return joinTo({ sql: `(${match.sql}) m`, parameters: match.parameters, index: 'm."index"' }, needs);
  if (query.id !== undefined) return joinTo(ITEMS, needs);
  if (selectsFailures(query)) return joinTo(isNear ? RECORDS : hint(RECORDS, "records_failed"), needs);
  if (query.isEmpty === true && features.hasAnswers)
    return joinTo(isNear ? RECORDS : hint(RECORDS, "records_empty"), needs);
  if (query.idContains !== undefined) return joinTo(isNear ? ITEMS : hint(ITEMS, "items_id"), needs);
  if (query.status === "waiting" && !isNear && !needs.needsRecord) {
    const block = `b.start AND b.start + ${WAITING_BLOCK_ITEMS - 1}`;
    return {
      sql: `(${WAITING_BLOCKS.replaceAll("?1", "?")}) b CROSS JOIN items i ON i."index" BETWEEN ${block}`,
      parameters: [features.items, features.items],
      index: 'i."index"',
    };
  }
  if (!needs.needsRecord || (sort.column === "id" && !selectsRecords(query))) return joinTo(ITEMS, needs);
  // Answers make the table large; the index contains the small columns.
  const readsAll = features.hasAnswers && !isNear && (isRecordColumn(sort.column) || hasRange(query));
  return joinTo(readsAll ? hint(RECORDS, "records_columns") : RECORDS, needs);
}

const ITEMS: Source = { sql: "items i", parameters: [], index: 'i."index"' };
const RECORDS: Source = { sql: "records r", parameters: [], index: 'r."index"' };

function hint(table: Source, index: string): Source {
  return { ...table, sql: `${table.sql} INDEXED BY ${index}` };
}

/** Adds the other tables that the statement needs. */
function joinTo(first: Source, { needsRecord, needsItem }: SourceNeeds): Source {
  const { index } = first;
  const records = needsRecord && index !== RECORDS.index ? ` CROSS JOIN records r ON r."index" = ${index}` : "";
  const items = needsItem && index !== ITEMS.index ? ` CROSS JOIN items i ON i."index" = ${index}` : "";
  return { ...first, sql: `${first.sql}${records}${items}` };
}

/** The indices that the search index finds; undefined when the query does not use it. */
function toMatch({ text, metadata }: ItemQuery, { hasAnswers }: QueryFeatures): SqlText | undefined {
  const inMetadata = metadata && toMetadataExpression(metadata.value);
  const texts = 'SELECT rowid AS "index" FROM search.texts WHERE texts MATCH ?';
  if (text === undefined) return inMetadata === undefined ? undefined : { sql: texts, parameters: [inMetadata] };
  const inText = toMatchExpression(text, "text");
  if (!hasAnswers) {
    const both = inMetadata === undefined ? inText : `(${inText}) AND (${inMetadata})`;
    return { sql: texts, parameters: [both] };
  }
  return {
    sql: `${texts} UNION SELECT rowid FROM search.answers WHERE answers MATCH ?`,
    parameters: [inText, inText],
  };
}

type Condition = SqlText & { readonly table: "record" | "item" };

function listConditions(query: ItemQuery): Condition[] {
  const { id, idContains, status, kinds, cause, excludedCauses, metadata, lane, isEmpty } = query;
  const conditions: Condition[] = [];
  const add = (table: Condition["table"], sql: string, ...parameters: readonly SQLInputValue[]) =>
    conditions.push({ table, sql, parameters });
  const addRange = (column: string, range: NumberRange | undefined) => {
    if (range?.min !== undefined) add("record", `${column} >= ?`, range.min);
    if (range?.max !== undefined) add("record", `${column} <= ?`, range.max);
  };
  if (selectsFailures(query)) add("record", "r.status = 'failed'");
  if (status === "ok" || isEmpty === true) add("record", "r.status = 'ok'");
  if (isEmpty === true) add("record", IS_EMPTY_ANSWER);
  if (kinds) add("record", "r.kind IN (SELECT value FROM json_each(?))", JSON.stringify([...kinds]));
  if (cause !== undefined) add("record", "r.cause = ?", cause);
  if (excludedCauses) {
    add("record", "r.cause NOT IN (SELECT value FROM json_each(?))", JSON.stringify([...excludedCauses]));
  }
  addRange("r.tokens", query.tokens);
  addRange("r.attempts", query.attempts);
  addRange("r.duration_ms", query.durationMs);
  if (lane !== undefined) add("record", "r.lane = (SELECT lane FROM lanes WHERE name = ?)", lane);
  if (id !== undefined) add("item", "i.id = ?", id);
  if (idContains !== undefined) {
    // LIKE ends a pattern at a NUL character, which no id contains.
    const pattern = `%${idContains.replaceAll(/[\\%_]/g, "\\$&")}%`;
    add("item", "i.id LIKE ? ESCAPE '\\' AND ?", pattern, pattern.includes("\0") ? 0 : 1);
  }
  if (metadata) add("item", METADATA_CONDITION, metadata.key, metadata.value);
  return conditions;
}

const METADATA_CONDITION = `EXISTS (SELECT 1 FROM json_each(i.metadata) f WHERE f.key = ? AND ? =
  CASE f.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
  WHEN 'integer' THEN i.metadata -> f.fullkey WHEN 'real' THEN i.metadata -> f.fullkey ELSE CAST(f.atom AS TEXT) END)`;
