import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InputError } from "#src/core/failures/errors.ts";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import { formatCursor, parseCursor } from "#src/producer/items/item-cursor.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import {
  ITEM_SORT_COLUMNS,
  ITEM_STATUSES,
  type ItemCursor,
  type ItemQuery,
  type ItemSort,
  isRecordColumn,
} from "#src/producer/items/item-query.ts";
import { updateSearchIndex } from "#src/producer/items/search-index.ts";
import { openRunDatabase } from "#src/producer/storage/run-database.ts";
import { addRecords, type TestRecord, writeRunDatabase } from "#test/support/runs/run-database-folder.ts";

const COUNT = 400;
const WORDS = ["database", "timeout", "数据库", "Crème", "-", "网络错误"];
const KINDS = ["server", "too-long"] as const;
const TEXTS = Array.from({ length: COUNT }, (_, i) => `${WORDS[i % 6]} ${WORDS[(i * 7 + 3) % 5]}`);
const ITEMS = TEXTS.map((text, i) => ({
  id: i % 5 === 0 ? `100%_done-${i}` : `Doc-${i}`,
  text,
  tokens: 3,
  metadata: i % 3 === 0 ? undefined : JSON.stringify({ lang: i % 2 ? "en" : "中文", page: i % 4, "it's": i % 2 === 0 }),
}));
/** Every fourth item waits. */
const RECORDS: TestRecord[] = ITEMS.flatMap((_, index) =>
  index % 4 === 1
    ? []
    : {
        index,
        attempts: 1 + (index % 3),
        tokens: index % 50,
        recordedAt: 5_000 - (index % 37),
        lane: index % 6 === 0 ? undefined : `fake/m${index % 2}`,
        durationMs: index % 90,
        failure:
          index % 7 === 0 ? { kind: KINDS[index % 2] ?? "server", message: `m ${index % 3 ? "a" : "b"}` } : undefined,
      },
);
const BY_INDEX = new Map(RECORDS.map((record) => [record.index, record]));

let dir: string;
let finder: ItemFinder;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "sluice-items-"));
  await writeRunDatabase(dir, ITEMS, RECORDS);
  for (const _ of updateSearchIndex(dir));
  // Small, so that lists use both plans: the one for frequent matches, and the one for rare ones.
  finder = new ItemFinder(dir, { nearItems: 23 });
});
afterAll(() => {
  finder.close();
  rmSync(dir, { recursive: true });
});

const range = fc.record(
  { min: fc.integer({ min: 0, max: 60 }), max: fc.integer({ min: 0, max: 90 }) },
  { requiredKeys: [] },
);
const causes = KINDS.flatMap((kind) => ["m a", "m b"].map((message) => computeFailureCause({ kind, message })));
const queries: fc.Arbitrary<ItemQuery> = fc.record(
  {
    text: fc.constantFrom("database", "数据", "creme", '"timeout 数据库"', "TIME*", "错误"),
    id: fc.constantFrom("Doc-7", "100%_done-5", "none"),
    idContains: fc.constantFrom("doc-1", "%_d", "\\", "'"),
    status: fc.constantFrom(...ITEM_STATUSES),
    kinds: fc.constantFrom(new Set<string>(["server"]), new Set<string>(KINDS)),
    cause: fc.constantFrom(...causes),
    excludedCauses: fc.constantFrom(new Set(causes.slice(1))),
    metadata: fc.constantFrom(
      { key: "lang", value: "中文" },
      { key: "page", value: "3" },
      { key: "it's", value: "true" },
    ),
    tokens: range,
    attempts: range,
    durationMs: range,
    lane: fc.constantFrom("fake/m0", "other"),
    where: fc.constantFrom("tokens % 2 = 0 OR tokens IS NULL", "text LIKE '%)%' OR status <> 'ok'"),
  },
  { requiredKeys: [] },
);
const sorts: fc.Arbitrary<ItemSort> = fc.record({
  column: fc.constantFrom(...ITEM_SORT_COLUMNS),
  descending: fc.boolean(),
});

/** What the query means, written without SQL. */
function matches(index: number, query: ItemQuery): boolean {
  const { id = "", text = "", metadata } = ITEMS[index] ?? {};
  const record = BY_INDEX.get(index);
  const status = record === undefined ? "waiting" : record.failure ? "failed" : "ok";
  const cause = record?.failure && computeFailureCause(record.failure);
  const isIn = (value: number | undefined, { min = -1, max = 1e9 }: { min?: number; max?: number } = {}) =>
    value !== undefined && value >= min && value <= max;
  const plain = text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const words: Record<string, RegExp> = {
    database: /database/,
    数据: /数据/,
    creme: /creme/,
    '"timeout 数据库"': /timeout 数据库/,
    "TIME*": /time/,
    错误: /错误/,
  };
  return [
    query.text === undefined || words[query.text]?.test(plain),
    query.id === undefined || id === query.id,
    query.idContains === undefined || id.toLowerCase().includes(query.idContains),
    query.status === undefined || status === query.status,
    query.kinds === undefined || query.kinds.has(record?.failure?.kind ?? ""),
    query.cause === undefined || cause === query.cause,
    query.excludedCauses === undefined || (cause !== undefined && !query.excludedCauses.has(cause)),
    query.metadata === undefined ||
      (metadata !== undefined && String(JSON.parse(metadata)[query.metadata.key]) === query.metadata.value),
    !hasBound(query.tokens) || isIn(record?.tokens, query.tokens),
    !hasBound(query.attempts) || isIn(record?.attempts, query.attempts),
    !hasBound(query.durationMs) || isIn(record?.lane === undefined ? undefined : record.durationMs, query.durationMs),
    query.lane === undefined || record?.lane === query.lane,
    query.where === undefined || (query.where.startsWith("tokens") ? (record?.tokens ?? 0) % 2 === 0 : status !== "ok"),
  ].every(Boolean);
}

function hasBound(bounds: ItemQuery["tokens"]): boolean {
  return bounds?.min !== undefined || bounds?.max !== undefined;
}

function expectedOrder(query: ItemQuery, { column, descending }: ItemSort): number[] {
  const direction = descending ? -1 : 1;
  const readSortValue = (index: number): number | string => {
    const record = BY_INDEX.get(index);
    if (column === "id") return ITEMS[index]?.id ?? "";
    if (column === "duration") return record?.lane === undefined ? -1 : (record.durationMs ?? 0);
    return { tokens: record?.tokens, attempts: record?.attempts, recorded: record?.recordedAt, index }[column] ?? 0;
  };
  const found = ITEMS.map((_, index) => index).filter((index) => matches(index, query));
  const isLast = (index: number) => isRecordColumn(column) && !BY_INDEX.has(index);
  return [
    ...found
      .filter((index) => !isLast(index))
      .sort((a, b) => {
        const [left, right] = [readSortValue(a), readSortValue(b)];
        return direction * (left < right ? -1 : left > right ? 1 : a - b);
      }),
    ...found.filter(isLast),
  ];
}

function listPages(query: ItemQuery, sort: ItemSort, limit: number): number[] {
  const found: number[] = [];
  let after: ItemCursor | undefined;
  do {
    const page = finder.find(query, { sort, after, limit });
    found.push(...page.items.map(({ item }) => item.index));
    after = page.next && parseCursor(formatCursor(page.next));
  } while (after);
  return found;
}

test("pages and complete lists equal a plain filter over the same rows, in every order", () => {
  fc.assert(
    fc.property(queries, sorts, fc.integer({ min: 1, max: 150 }), (query, sort, limit) => {
      const expected = expectedOrder(query, sort);
      expect(listPages(query, sort, limit)).toEqual(expected);
      expect([...finder.listIndices(query, sort)]).toEqual(expected);
      const count = finder.count(query);
      if (count !== undefined) expect(count).toBe(expected.length);
    }),
    { numRuns: 400 },
  );
});

test("the few waiting items of a large run are found in both directions", async () => {
  const large = mkdtempSync(join(tmpdir(), "sluice-items-"));
  try {
    const count = 30_000;
    const waiting = [0, 8_191, 8_192, 20_000, 20_001, 29_999];
    const items = Array.from({ length: count }, (_, i) => ({ id: String(i), text: "", tokens: 1 }));
    const records = items.flatMap((_, index) => (waiting.includes(index) ? [] : { index }));
    await writeRunDatabase(large, items, records);
    using found = new ItemFinder(large, { nearItems: 100 });
    for (const descending of [false, true]) {
      const pages: number[] = [];
      for (let after: ItemCursor | undefined; ; ) {
        const page = found.find({ status: "waiting" }, { sort: { column: "index", descending }, after, limit: 2 });
        pages.push(...page.items.map(({ item }) => item.index));
        after = page.next;
        if (!after) break;
      }
      expect(pages).toEqual(descending ? waiting.toReversed() : waiting);
    }
    expect([...found.listIndices({ status: "waiting" }, { column: "id", descending: true })]).toHaveLength(
      waiting.length,
    );
  } finally {
    rmSync(large, { recursive: true });
  }
});

describe("user input", () => {
  const listAll = (query: ItemQuery) => [...finder.listIndices(query)];
  const attacks = [
    "' OR 1=1 --",
    "x') OR ('1'='1",
    '"; DROP TABLE items; --',
    "* OR text:database NEAR(",
    "{text} : x",
    "\0",
    "a\\",
  ];

  test.each(attacks)("%j in any field is only text to compare with", (text) => {
    for (const query of [
      { id: text },
      { idContains: text },
      { lane: text },
      { cause: text },
      { kinds: new Set([text]) },
    ]) {
      expect(listAll(query)).toEqual([]);
    }
    expect(listAll({ metadata: { key: text, value: text } })).toEqual([]);
    expect(() => listAll({ metadata: { key: "lang", value: text } })).not.toThrow();
  });

  test("never is syntax of the full-text search", () => {
    for (const text of attacks.slice(0, 5)) expect(listAll({ text })).toEqual([]);
    expect(listAll({ text: "database -" })).toEqual(listAll({ text: "DATABASE" }));
    expect(() => listAll({ text: ' - "' })).toThrow("contains no word");
  });

  test.each([
    ["", "is empty"],
    ["1) OR (1", 'a ")" has no "("'],
    ["(1", 'a "(" is not closed'],
    ["tokens > ?", "parameters (?)"],
    ["1; DELETE FROM items", 'contains ";"'],
    ["text = 'a", "a ' is not closed"],
    ["1 /* x", "comment is not closed"],
    ["unknown = 1", "no such column: unknown"],
    ["tokens >", "syntax error"],
    ["load_extension('x')", "does more than read"],
    ["(WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b FROM a) SELECT max(b) FROM a)", "does more than read"],
    ["1 UNION SELECT 1", "syntax error"],
  ])("the SQL expression %j is refused with a reason", (where, message) => {
    expect(() => listAll({ where })).toThrow(message);
    expect(() => listAll({ where })).toThrow(InputError);
  });

  test("a SQL expression may contain quotes, comments, and subselects", () => {
    expect(listAll({ where: "id = 'Doc-7' -- ) ;" })).toEqual([7]);
    expect(listAll({ where: '"index" = (SELECT max("index") FROM results) /* ( */' })).toEqual([COUNT - 1]);
  });

  test("a cursor that no page returned is refused", () => {
    for (const text of ["", "x", Buffer.from("[null,1,false]").toString("base64url")]) {
      expect(() => parseCursor(text)).toThrow(InputError);
    }
  });
});

test("pages stay in order while records are added, and list every item that does not change once", async () => {
  const live = mkdtempSync(join(tmpdir(), "sluice-items-"));
  try {
    await writeRunDatabase(live, ITEMS, RECORDS.slice(0, 100));
    using running = new ItemFinder(live);
    const sort = { column: "tokens", descending: true } as const;
    const first = running.find({}, { sort, limit: 150 });
    addRecords(live, RECORDS.slice(100));
    const found = first.items.map(({ item }) => item.index);
    for (let next = first.next; next; ) {
      const page = running.find({}, { sort, after: next, limit: 150 });
      found.push(...page.items.map(({ item }) => item.index));
      next = page.next;
    }
    const unchanged = ITEMS.map((_, i) => i).filter((i) => !RECORDS.slice(100).some(({ index }) => index === i));
    expect(found.filter((index) => unchanged.includes(index)).sort((a, b) => a - b)).toEqual(unchanged);
    expect(running.find({}, { sort, limit: 1 }).items[0]?.record?.tokens).toBe(49);
  } finally {
    rmSync(live, { recursive: true });
  }
});

test("a slow expression is evaluated in steps, so that the caller can stop", () => {
  const steps = [...finder.listSteps({ where: "status = 'failed' AND tokens > 0" })];
  expect(steps).toHaveLength(Math.ceil(COUNT / 23));
  expect(steps.flat()).toEqual([...finder.listIndices({ status: "failed", tokens: { min: 1 } })]);
});

test.each<[string, ItemQuery, ItemSort]>([
  ["by index", {}, { column: "index", descending: false }],
  ["by another column", { status: "failed" }, { column: "tokens", descending: true }],
])("while all items are being read (%s), the WAL can be emptied", async (_, query, sort) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-items-"));
  try {
    await writeRunDatabase(folder, ITEMS, RECORDS.slice(0, 200));
    using reading = new ItemFinder(folder, { nearItems: 50 });
    const groups = reading.readAll(query, sort);
    expect(groups.next().value?.length).toBeGreaterThan(0);
    addRecords(folder, RECORDS.slice(200));
    const { database } = openRunDatabase(folder);
    const result = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    database.close();
    expect(result).toMatchObject({ busy: 0 });
    for (const _group of groups);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
