/** File name of a run's database in its output folder. */
export const RUN_DATABASE = "run.db";

/** File name of the search index in the same folder; it can be deleted at any time, and is built again. */
export const SEARCH_INDEX = "run-search.db";

/** `PRAGMA application_id` of a run database: "SLRN". */
export const RUN_APPLICATION_ID = 0x534c524e;

/**
 * `PRAGMA user_version`. Raise it when the tables change in a way that the code before the change would read wrongly; from
 * then on that code refuses the file. docs/run-database.md describes the tables.
 */
export const SCHEMA_VERSION = 1;

/** Written by planning. Items never change, and their texts are stored once: a duplicate has its original's text. */
export const ITEM_TABLES = `
CREATE TABLE items (
  "index" INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  text TEXT,
  tokens INTEGER NOT NULL,
  line INTEGER,
  metadata TEXT,
  duplicate_of INTEGER REFERENCES items ("index")
);
CREATE TABLE properties (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/** Created once all items are written, because building an index then costs a third of maintaining it meanwhile. */
export const ITEM_INDEXES = `
CREATE UNIQUE INDEX items_id ON items (id);
CREATE INDEX items_duplicate_of ON items (duplicate_of) WHERE duplicate_of IS NOT NULL;
`;

/**
 * Written by the coordinator. `checksum` is the CRC-32 of the vector in the vector file, or of the answer. Results without
 * a call have no attempts. Indexes are partial, so that a successful record updates none.
 */
export const RECORD_TABLES = `
CREATE TABLE records (
  "index" INTEGER PRIMARY KEY REFERENCES items ("index"),
  status TEXT NOT NULL CHECK (status IN ('ok', 'failed')),
  attempts INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  checksum INTEGER,
  answer TEXT,
  lane INTEGER REFERENCES lanes (lane),
  started_at INTEGER,
  duration_ms INTEGER,
  kind TEXT,
  code TEXT,
  message TEXT,
  provider_message TEXT,
  param TEXT,
  cause TEXT
);
CREATE INDEX records_failed ON records (kind, cause) WHERE status = 'failed';
CREATE TABLE lanes (lane INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE failed_attempts (
  entry TEXT NOT NULL,
  "index" INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER,
  recorded_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  lane TEXT,
  worker TEXT,
  kind TEXT NOT NULL,
  code TEXT,
  message TEXT NOT NULL,
  provider_message TEXT,
  PRIMARY KEY ("index", entry)
) WITHOUT ROWID;
CREATE TABLE reset_items ("index" INTEGER PRIMARY KEY);
CREATE VIEW results AS
  SELECT i."index", i.id, coalesce(r.status, 'waiting') AS status, r.tokens, r.output_tokens, r.attempts,
    coalesce(i.text, original.text) AS text, i.metadata, i.duplicate_of, i.tokens AS estimated_tokens, r.answer,
    r.kind, r.code, r.message, r.provider_message, r.param, r.cause,
    l.name AS lane, r.started_at, r.duration_ms, r.recorded_at
  FROM items i
  LEFT JOIN records r ON r."index" = i."index"
  LEFT JOIN items original ON original."index" = i.duplicate_of
  LEFT JOIN lanes l ON l.lane = r.lane;
CREATE VIEW attempts AS
  SELECT f."index", f.attempt, 'failed' AS outcome, f.started_at, f.duration_ms, f.lane, f.worker, f.kind, f.code,
    f.message, f.provider_message
  FROM failed_attempts f
  UNION ALL
  SELECT r."index", r.attempts, 'succeeded', r.started_at, r.duration_ms, l.name, NULL, NULL, NULL, NULL, NULL
  FROM records r LEFT JOIN lanes l ON l.lane = r.lane
  WHERE r.status = 'ok' AND r.attempts > 0;
`;

/** Where an answer without text has its content: refusals, parts that are not text, images, sounds, and moderations. */
const OTHER_CONTENT = ["toolCalls", "refusal", "extra.results"].concat(
  ["content", "images", "audio"].map((field) => `extra.message.${field}`),
);

/**
 * Whether a record `r` is an empty chat answer. The first comparison keeps most answers from being parsed. Queries must
 * repeat the expression literally for SQLite to use the index.
 */
export const IS_EMPTY_ANSWER = `instr(r.answer, '"text":""') > 0 AND r.answer ->> '$.text' = ''
  AND r.answer ->> '$.finishReason.unified' = 'stop'
  AND ${OTHER_CONTENT.map((path) => `r.answer -> '$.${path}' IS NULL`).join(" AND ")}`;

/**
 * Created for runs whose results are answers, which make the table of records too large to be scanned. The first index
 * contains all small columns and grows at its end; both cost some microseconds per answer.
 */
export const ANSWER_INDEXES = `
CREATE INDEX IF NOT EXISTS records_columns ON records (recorded_at, status, tokens, attempts, duration_ms, lane);
CREATE INDEX IF NOT EXISTS records_empty ON records (recorded_at) WHERE status = 'ok' AND ${IS_EMPTY_ANSWER.replaceAll("r.", "")};
`;
