import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { RunError } from "#src/core/failures/errors.ts";
import type { LayoutKind } from "#src/producer/output/vector-layout.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import { readProperty, writeProperty } from "#src/producer/storage/properties.ts";
import { VECTOR_FILE, VectorFile } from "./vector-file.ts";

export interface VectorOptions {
  /** Floats per vector; by default those of the first vector. */
  readonly dimensions?: number;
  /** Layout of the vectors of a new store; an existing one keeps its layout. */
  readonly layout: LayoutKind;
}

const layoutKind = z.enum(["flat", "pages"]);
const count = z.int().nonnegative();

/**
 * Opens the vector file of a run. Deletes the records whose vectors are not in it any more, because it was truncated or
 * deleted, and returns a note about them.
 */
export async function openVectors(
  database: DatabaseSync,
  dir: string,
  { disk, items, dimensions = 0, layout }: VectorOptions & { readonly disk: Disk; readonly items: number },
): Promise<{ readonly file: VectorFile; readonly note: string | undefined }> {
  const stored = readProperty(database, "dimensions", count) ?? 0;
  if (stored > 0 && dimensions > 0 && stored !== dimensions) {
    throw new RunError(
      `${dir} contains vectors of ${stored} dimensions, but the vectors of this model have ${dimensions}`,
      "Use another output folder.",
    );
  }
  const kind = readProperty(database, "layout", layoutKind) ?? layout;
  writeProperty(database, "layout", kind);
  if (stored === 0 && dimensions > 0) writeDimensions(database, dimensions);
  const file = await VectorFile.open(dir, disk, { items, kind, dimensions: stored || dimensions });
  try {
    const end = await file.findEnd();
    const { changes } = database.prepare(`DELETE FROM records WHERE status = 'ok' AND "index" >= ?`).run(end);
    return { file, note: changes === 0 ? undefined : describeLoss(Number(changes)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function writeDimensions(database: DatabaseSync, dimensions: number): void {
  writeProperty(database, "dimensions", dimensions);
}

function describeLoss(records: number): string {
  return `${VECTOR_FILE} is shorter than it was: the vectors of ${records} items are lost and are requested again`;
}
