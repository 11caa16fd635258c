import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { Failure } from "#src/core/item.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import type { RecordCall, WireRecord } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import type { RecordStatus } from "./stored-record.ts";
import { computeVectorChecksum } from "./vectors/vector-file.ts";

/** A record before it is in the database: everything but its vector. */
export interface NewRecord {
  readonly index: number;
  readonly status: RecordStatus;
  readonly attempts: number;
  readonly tokens: number;
  readonly outputTokens: number;
  /** Epoch ms. */
  readonly recordedAt: number;
  readonly checksum: number | null;
  readonly answer: string | null;
  readonly failure: Failure | undefined;
  readonly call: RecordCall | undefined;
}

export function toNewRecord(record: WireRecord, recordedAt: number): NewRecord {
  const { index, attempts, tokens, vector, json, failure, call } = record;
  const answer = failure || vector ? null : JSON.stringify(json ?? null);
  const checksum = answer === null ? (vector ? computeVectorChecksum(vector) : null) : crc32(answer);
  const outputTokens = answer === null ? 0 : recordUsage(record).output;
  const status = failure ? "failed" : "ok";
  return { index, status, attempts, tokens, outputTokens, recordedAt, checksum, answer, failure, call };
}

/** Keeps rows small whatever a provider sends. */
const MESSAGE_LIMIT = 8_000;
/** Most failures of a run are equal, and computing a cause takes some regular expressions. */
const MAX_CACHED_CAUSES = 500;

const RESULT_COLUMNS = `"index", status, attempts, tokens, output_tokens, recorded_at, lane, started_at, duration_ms, checksum, answer`;
const FAILURE_COLUMNS = "kind, code, message, provider_message, param, cause";
/** Results per statement: several rows at once cost SQLite half as much CPU per row. */
const RESULTS_PER_STATEMENT = 20;
const VALUES_PER_RESULT = 11;

/** Inserts records. To be used within a transaction. */
export class RecordWriter {
  readonly #insertResults: StatementSync;
  readonly #insertResult: StatementSync;
  readonly #insertFailure: StatementSync;
  readonly #insertLane: StatementSync;
  readonly #selectLanes: StatementSync;
  readonly #lanes = new Map<string, number>();
  readonly #causes = new LruCache<string, string>(MAX_CACHED_CAUSES);

  constructor(database: DatabaseSync) {
    const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const insertResult = `INSERT INTO records (${RESULT_COLUMNS}) VALUES ${row}`;
    this.#insertResult = database.prepare(insertResult);
    this.#insertResults = database.prepare(insertResult + `, ${row}`.repeat(RESULTS_PER_STATEMENT - 1));
    this.#insertFailure = database.prepare(
      `INSERT INTO records (${RESULT_COLUMNS}, ${FAILURE_COLUMNS})
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertLane = database.prepare("INSERT INTO lanes VALUES (?, ?)");
    this.#selectLanes = database.prepare("SELECT lane, name FROM lanes");
    this.readLanes();
  }

  /** Required after a rollback, which may have removed lanes. */
  readLanes(): void {
    this.#lanes.clear();
    for (const { lane, name } of this.#selectLanes.iterate()) this.#lanes.set(String(name), Number(lane));
  }

  insert(records: readonly NewRecord[]): void {
    const values: SQLInputValue[] = [];
    for (const record of records) {
      if (record.failure) {
        this.#insertFailureOf(record, record.failure);
        continue;
      }
      this.#addResult(values, record);
      if (values.length < RESULTS_PER_STATEMENT * VALUES_PER_RESULT) continue;
      this.#insertResults.run(...values);
      values.length = 0;
    }
    while (values.length > 0) this.#insertResult.run(...values.splice(0, VALUES_PER_RESULT));
  }

  #addResult(values: SQLInputValue[], record: NewRecord): void {
    const { index, status, attempts, tokens, outputTokens, recordedAt, checksum, answer, call } = record;
    values.push(
      index,
      status,
      attempts,
      tokens,
      outputTokens,
      recordedAt,
      call ? this.#findLane(call.lane) : null,
      call ? Math.round(call.startedAt) : null,
      call ? Math.round(call.durationMs) : null,
      checksum,
      answer,
    );
  }

  #insertFailureOf(record: NewRecord, failure: Failure): void {
    const { kind, code = null, message, providerMessage = null, param = null } = failure;
    const values: SQLInputValue[] = [];
    this.#addResult(values, record);
    const text = message.slice(0, MESSAGE_LIMIT);
    this.#insertFailure.run(...values, kind, code, text, providerMessage, param, this.#findCause(failure));
  }

  #findLane(name: string): number {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane = this.#lanes.size + 1;
    this.#insertLane.run(lane, name);
    this.#lanes.set(name, lane);
    return lane;
  }

  #findCause(failure: Failure): string {
    const key = `${failure.kind}\n${failure.code ?? ""}\n${failure.message}`;
    const known = this.#causes.get(key);
    if (known !== undefined) return known;
    const cause = computeFailureCause(failure);
    this.#causes.set(key, cause);
    return cause;
  }
}
