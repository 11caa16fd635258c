import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { Failure } from "#src/core/item.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import type { RecordCall, WireRecord } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import type { RecordStatus } from "./stored-record.ts";
import { computeVectorChecksum } from "./vector-file.ts";

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
  readonly #insert: StatementSync;
  readonly #insertLane: StatementSync;
  readonly #lanes = new Map<string, number>();
  readonly #causes = new LruCache<string, string>(MAX_CACHED_CAUSES);

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO records ("index", status, attempts, tokens, output_tokens, recorded_at, checksum, answer, lane,
        started_at, duration_ms, kind, code, message, provider_message, param, cause)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertLane = database.prepare("INSERT INTO lanes VALUES (?, ?)");
    for (const { lane, name } of database.prepare("SELECT lane, name FROM lanes").iterate()) {
      this.#lanes.set(String(name), Number(lane));
    }
  }

  insert({ index, status, attempts, tokens, outputTokens, recordedAt, ...record }: NewRecord): void {
    const { checksum, answer, failure, call } = record;
    this.#insert.run(
      index,
      status,
      attempts,
      tokens,
      outputTokens,
      recordedAt,
      checksum,
      answer,
      call ? this.#findLane(call.lane) : null,
      call ? Math.round(call.startedAt) : null,
      call ? Math.round(call.durationMs) : null,
      failure?.kind ?? null,
      failure?.code ?? null,
      failure?.message.slice(0, MESSAGE_LIMIT) ?? null,
      failure?.providerMessage ?? null,
      failure?.param ?? null,
      failure ? this.#findCause(failure) : null,
    );
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
