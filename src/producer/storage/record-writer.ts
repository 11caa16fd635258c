import type { DatabaseSync, StatementSync } from "node:sqlite";
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
  const base = { index, attempts, tokens, recordedAt, failure, call };
  if (failure) return { ...base, status: "failed", outputTokens: 0, checksum: null, answer: null };
  if (vector) {
    return { ...base, status: "ok", outputTokens: 0, checksum: computeVectorChecksum(vector), answer: null };
  }
  const answer = JSON.stringify(json ?? null);
  return { ...base, status: "ok", outputTokens: recordUsage(record).output, checksum: crc32(answer), answer };
}

/** Keeps rows small whatever a provider sends. */
const MESSAGE_LIMIT = 8_000;
/** Most failures of a run are equal, and computing a cause takes some regular expressions. */
const MAX_CACHED_CAUSES = 500;

/** Inserts records. To be used within a transaction. */
export class RecordWriter {
  readonly #insertResult: StatementSync;
  readonly #insertFailure: StatementSync;
  readonly #insertLane: StatementSync;
  readonly #selectLanes: StatementSync;
  readonly #lanes = new Map<string, number>();
  readonly #causes = new LruCache<string, string>(MAX_CACHED_CAUSES);

  constructor(database: DatabaseSync) {
    const common = `"index", status, attempts, tokens, output_tokens, recorded_at, lane, started_at, duration_ms`;
    this.#insertResult = database.prepare(
      `INSERT INTO records (${common}, checksum, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertFailure = database.prepare(
      `INSERT INTO records (${common}, kind, code, message, provider_message, param, cause)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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

  insert(record: NewRecord): void {
    const { index, status, attempts, tokens, outputTokens, recordedAt, call, failure } = record;
    const common = [
      index,
      status,
      attempts,
      tokens,
      outputTokens,
      recordedAt,
      call ? this.#findLane(call.lane) : null,
      call ? Math.round(call.startedAt) : null,
      call ? Math.round(call.durationMs) : null,
    ];
    if (!failure) {
      this.#insertResult.run(...common, record.checksum, record.answer);
      return;
    }
    const { kind, code = null, message, providerMessage = null, param = null } = failure;
    const text = message.slice(0, MESSAGE_LIMIT);
    this.#insertFailure.run(...common, kind, code, text, providerMessage, param, this.#findCause(failure));
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
