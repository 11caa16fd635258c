import { crc32 } from "node:zlib";
import { RunError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { ItemRow, Row } from "./item-rows.ts";

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

/** The columns that `toStoredRecord` needs, after those of the item. */
export const RECORD_COLUMNS =
  "r.status, r.attempts, r.tokens, r.recorded_at, r.checksum, r.answer, r.kind, r.code, r.message, r.provider_message, r.param";

type RecordRow = readonly [
  ...ItemRow,
  status: RecordStatus | null,
  attempts: number,
  tokens: number,
  recordedAt: number,
  checksum: number | null,
  answer: string | null,
  ...FailureRow,
];
type FailureRow = readonly [
  kind: Failure["kind"] | null,
  code: string | null,
  message: string | null,
  providerMessage: string | null,
  param: string | null,
];

/** Undefined if the item has no record. */
export function toStoredRecord(row: Row): StoredRecord | undefined {
  // Not validated, because a schema would double the cost of reading millions of rows whose columns have these types.
  const [index, , , , , , status, attempts, tokens, recordedAt, checksum, answer, ...failure] =
    row as unknown as RecordRow;
  if (status === null) return undefined;
  return {
    index,
    status,
    attempts,
    tokens,
    recordedAt,
    checksum: checksum ?? undefined,
    answer: answer ?? undefined,
    failure: status === "failed" ? toFailure(failure) : undefined,
  };
}

function toFailure([kind, code, message, providerMessage, param]: FailureRow): Failure {
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
