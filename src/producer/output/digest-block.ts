import { crc32 } from "node:zlib";
import { SLOT_OK } from "#src/producer/storage/ledger-file.ts";
import { computeFieldsChecksum, computeTextDigest, type RowDigest } from "./digests/row-digest.ts";
import type { RecordBlock } from "./record-blocks.ts";
import { formatFailureLine } from "./write-jsonl.ts";

/** The digests of records. The checksums of their vectors are those that the run computed when it received them. */
export function digestBlock({ slots, items, failures }: RecordBlock, withText: boolean): RowDigest[] {
  return items.flatMap((item, i) => {
    const slot = slots[i];
    if (!slot) return [];
    const { index, status, tokens, attempts, locator } = slot;
    const failure = failures.get(index);
    const metadata = withText ? item.metadata : undefined;
    return {
      id: item.id,
      isOk: status === SLOT_OK,
      text: computeTextDigest(item.text),
      fields: computeFieldsChecksum({ index, tokens, attempts, metadata }),
      result: failure ? crc32(formatFailureLine(item, slot, failure)) : locator,
    };
  });
}
