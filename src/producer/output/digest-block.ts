import { crc32 } from "node:zlib";
import type { StoredBlock } from "#src/producer/storage/read-records.ts";
import { computeFieldsChecksum, computeTextDigest, type RowDigest } from "./digests/row-digest.ts";
import { formatFailureLine } from "./write-jsonl.ts";

/** The digests of records. The checksums of their vectors are those that the run computed when it received them. */
export function digestBlock({ rows }: StoredBlock, withText: boolean): RowDigest[] {
  return rows.map((row) => {
    const { id, text, metadata } = row.item;
    const { index, status, tokens, attempts, checksum = 0, failure } = row.record;
    return {
      id,
      isOk: status === "ok",
      text: computeTextDigest(text),
      fields: computeFieldsChecksum({ index, tokens, attempts, metadata: withText ? metadata : undefined }),
      result: failure ? crc32(formatFailureLine(row, failure)) : checksum,
    };
  });
}
