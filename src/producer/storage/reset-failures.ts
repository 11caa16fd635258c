import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { Failure } from "#src/core/item.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { FAILURE_FILE, FailureLog } from "./failure-log.ts";
import {
  decodeSlot,
  LEDGER_FILE,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_FAILED,
  SLOT_WORDS,
  slotPosition,
} from "./ledger-file.ts";
import { openFiles } from "./open-files.ts";

/** Selects failures that match all given criteria; without criteria, all failures. */
export interface FailureFilter {
  readonly kinds?: ReadonlySet<string>;
  /** See `computeFailureCause`. */
  readonly cause?: string;
  /** Excludes these causes. */
  readonly excludedCauses?: ReadonlySet<string>;
}

export interface ResetFailures {
  /** Items whose failure was removed, by kind. */
  readonly reset: Readonly<Record<string, number>>;
  /** Failures that were kept, by kind. */
  readonly kept: Readonly<Record<string, number>>;
  /** Number of items that were reset. */
  readonly count: number;
  /** Returns whether an item was reset. */
  readonly has: (index: number) => boolean;
}

/** 1 MiB of slots per read. */
const SLOTS_PER_READ = 65_536;

/**
 * Durably removes the selected failures from a store that is not open, so that these items have no record when it is
 * opened again. May be killed at any time and repeated.
 */
export async function resetFailures(
  dir: string,
  items: number,
  filter: FailureFilter,
  disk: Disk = systemDisk,
): Promise<ResetFailures> {
  return await openFiles(dir, disk, async (open) => {
    const ledger = await open(LEDGER_FILE);
    const file = await open(FAILURE_FILE);
    const failures = await FailureLog.open(file);
    const reset: Record<string, number> = {};
    const kept: Record<string, number> = {};
    const marks = new Uint8Array(Math.ceil(items / 8));
    for (let start = 0; start < items; start += SLOTS_PER_READ) {
      const count = Math.min(SLOTS_PER_READ, items - start);
      const words = new Uint32Array(count * SLOT_WORDS);
      await ledger.read(new Uint8Array(words.buffer, 0, count * SLOT_BYTES), slotPosition(start));
      for (const { index, locator } of failedSlots(words, start, count)) {
        const failure = await failures.read(index, locator);
        const kind = failure?.kind;
        const isSelected = failure === undefined || matchesFilter(failure, filter);
        const counts = isSelected ? reset : kept;
        counts[kind ?? "unknown"] = (counts[kind ?? "unknown"] ?? 0) + 1;
        if (!isSelected) continue;
        marks[index >> 3] = (marks[index >> 3] ?? 0) | (1 << (index & 7));
        await ledger.write([new Uint8Array(SLOT_BYTES)], slotPosition(index));
      }
    }
    await ledger.sync();
    await ledger.close();
    await file.close();
    return {
      reset,
      kept,
      count: Object.values(reset).reduce((sum, count) => sum + count, 0),
      has: (index) => ((marks[index >> 3] ?? 0) & (1 << (index & 7))) !== 0,
    };
  });
}

function matchesFilter(failure: Failure, { kinds, cause, excludedCauses }: FailureFilter): boolean {
  if (kinds?.has(failure.kind) === false) return false;
  if (cause === undefined && excludedCauses === undefined) return true;
  const own = computeFailureCause(failure);
  return (cause === undefined || own === cause) && excludedCauses?.has(own) !== true;
}

function* failedSlots(words: Uint32Array, start: number, count: number): Generator<LedgerSlot> {
  for (let i = 0; i < count; i++) {
    const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
    if (slot?.status === SLOT_FAILED) yield slot;
  }
}
