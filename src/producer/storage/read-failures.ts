import type { Failure } from "#src/core/item.ts";
import { type Disk, type DiskFile, systemDisk } from "./disk.ts";
import { FAILURE_FILE, FailureLog } from "./failure-log.ts";
import { decodeSlot, LEDGER_FILE, SLOT_FAILED, SLOT_WORDS, slotPosition } from "./ledger-file.ts";
import { openFiles } from "./open-files.ts";
import { PagedReader } from "./paged-reader.ts";

/** A failed item on disk. */
export interface StoredFailure {
  readonly index: number;
  /** Undefined when its line is damaged. */
  readonly failure: Failure | undefined;
}

/** 1 MiB of slots per read. */
const SLOTS_PER_READ = 65_536;

/**
 * Reads all durable failures of a run in item order, one block of items at a time. Only for the process that holds the
 * run, and only while it does not write.
 */
export async function* readFailures(
  dir: string,
  items: number,
  disk: Disk = systemDisk,
): AsyncGenerator<readonly StoredFailure[]> {
  const files = await openFiles(dir, disk, async (open) => ({
    ledger: await open(LEDGER_FILE),
    failures: await open(FAILURE_FILE),
  }));
  try {
    const log = await FailureLog.open(paged(files.failures));
    for (let start = 0; start < items; start += SLOTS_PER_READ) {
      const found = await readBlock(files.ledger, log, start, Math.min(SLOTS_PER_READ, items - start));
      if (found.length > 0) yield found;
    }
  } finally {
    await Promise.allSettled([files.ledger.close(), files.failures.close()]);
  }
}

async function readBlock(ledger: DiskFile, log: FailureLog, start: number, count: number): Promise<StoredFailure[]> {
  const words = new Uint32Array(count * SLOT_WORDS);
  await ledger.read(new Uint8Array(words.buffer), slotPosition(start));
  const found: StoredFailure[] = [];
  for (let i = 0; i < count; i++) {
    const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
    if (slot?.status !== SLOT_FAILED) continue;
    found.push({ index: slot.index, failure: await log.read(slot.index, slot.locator) });
  }
  return found;
}

/** Reads the file in pages, because failures are short and nearly in item order. */
function paged(file: DiskFile): DiskFile {
  const pages = new PagedReader(file);
  return {
    read: async (into, position) => {
      const bytes = await pages.read(position, into.byteLength);
      into.set(bytes);
      return bytes.length;
    },
    write: (buffers, position) => file.write(buffers, position),
    sync: () => file.sync(),
    size: () => file.size(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: () => file.close(),
  };
}
