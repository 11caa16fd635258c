import { crc32 } from "node:zlib";
import { RunError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { Row } from "./item-rows.ts";

export type RecordStatus = "ok" | "failed";

/** The record of an item on disk, without its vector. */
export interface StoredRecord {
  readonly index: number;
  readonly status: RecordStatus;
  readonly attempts: number;
  readonly tokens: number;
  /** Epoch ms. */
  readonly recordedAt: number;
  /** CRC-32 of the vector or of the answer's JSON; undefined for a failure. */
  readonly checksum: number | undefined;
  /** JSON; undefined for a vector and for a failure. */
  readonly answer: string | undefined;
  readonly failure: Failure | undefined;
}

/** The columns that `toStoredRecord` needs. */
export const RECORD_COLUMNS =
  "r.status, r.attempts, r.tokens, r.recorded_at, r.checksum, r.answer, r.kind, r.code, r.message, r.provider_message, r.param";

interface RecordRow {
  readonly index: number;
  readonly status: RecordStatus;
  readonly attempts: number;
  readonly tokens: number;
  readonly recorded_at: number;
  readonly checksum: number | null;
  readonly answer: string | null;
  readonly kind: Failure["kind"] | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly provider_message: string | null;
  readonly param: string | null;
}

export function toStoredRecord(row: Row): StoredRecord {
  // Not validated, because a schema would double the cost of reading millions of rows whose columns have these types.
  const record = row as unknown as RecordRow;
  return {
    index: record.index,
    status: record.status,
    attempts: record.attempts,
    tokens: record.tokens,
    recordedAt: record.recorded_at,
    checksum: record.checksum ?? undefined,
    answer: record.answer ?? undefined,
    failure: record.status === "failed" ? toFailure(record) : undefined,
  };
}

function toFailure({ kind, code, message, provider_message: providerMessage, param }: RecordRow): Failure {
  return omitUndefined({
    kind: kind ?? "server",
    message: message ?? "",
    code: code ?? undefined,
    providerMessage: providerMessage ?? undefined,
    param: param ?? undefined,
  });
}

/** Whether an answer differs from what was written. */
export function isAnswerDamaged({ status, answer, checksum }: StoredRecord): boolean {
  return status === "ok" && answer !== undefined && crc32(answer) !== checksum;
}

/** The number of attempts in the wire format has 16 bits. */
const MAX_ATTEMPTS = 0xffff;
/** Limit of a signed 32-bit column of the output. */
const MAX_TOKENS = 0x7fff_ffff;

/**
 * Throws a RunError when a record cannot belong to a run with these items and dimensions (0: still unknown). Returns the
 * dimensions, which the first vector determines.
 */
export function checkRecord(record: WireRecord, items: number, dimensions: number): number {
  const { index, attempts, tokens, vector } = record;
  if (!isCount(index, items - 1)) throw new RunError(`record of item ${index}: the run has items 0 to ${items - 1}`);
  if (!isCount(attempts, MAX_ATTEMPTS)) {
    throw new RunError(`record of item ${index}: attempts must be 0 to ${MAX_ATTEMPTS}, not ${attempts}`);
  }
  if (!isCount(tokens, MAX_TOKENS)) {
    throw new RunError(`record of item ${index}: tokens must be 0 to ${MAX_TOKENS}, not ${tokens}`);
  }
  if (vector === undefined) return dimensions;
  if (vector.length === 0 || vector.length % 4 !== 0 || (dimensions > 0 && vector.length !== dimensions * 4)) {
    const expected = dimensions > 0 ? `${dimensions * 4} bytes (${dimensions} floats)` : "float32 values";
    throw new RunError(`record of item ${index}: vector must be ${expected}, not ${vector.length} bytes`);
  }
  return vector.length / 4;
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
