import type { SchemaElement } from "hyparquet";
import { type ColumnSource, ParquetWriter } from "hyparquet-writer";
import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import type { PlacedBytes } from "#src/producer/storage/plan-writes.ts";
import type { RecordStore } from "#src/producer/storage/record-store.ts";
import { SegmentWriter } from "#src/producer/storage/segment-writer.ts";
import type { RecordBlock } from "./record-blocks.ts";
import { type ResultWriter, statusName } from "./result-writer.ts";
import {
  insertColumn,
  placedVectorColumn,
  VECTOR_SCHEMA,
  type WrittenColumn,
  writeVectorColumn,
} from "./vector-column.ts";
import type { PagedLayout } from "./vector-layout.ts";

export interface ParquetOptions {
  readonly dimensions: number;
  readonly withText: boolean;
  /** Stored in the file's key-value metadata. */
  readonly keyValueMetadata: Readonly<Record<string, string>>;
}

/** After `id`, `index` and `status`. */
const VECTOR_POSITION = 3;

/** `records.parquet`, copying the vectors: one row group per block. */
export async function createParquetWriter(disk: Disk, path: string, options: ParquetOptions): Promise<ResultWriter> {
  const file = await disk.open(path);
  await file.truncate(0);
  const { dimensions, withText } = options;
  const writer = new SegmentWriter(file);
  const parquet = createLibraryWriter(writer, options);
  return {
    async write(block) {
      const { slots, vectors } = block;
      await parquet.write({ columnData: flatColumns(block, withText), rowGroupSize: slots.length });
      addVectorColumn(parquet, writeVectorColumn(writer, { slots, vectors, dimensions }));
      await writer.drain();
    },
    async finish() {
      await parquet.finish();
      await writer.drain();
      await file.sync();
    },
    close: () => file.close(),
  };
}

/**
 * Makes a store's file of vectors a Parquet file in place, for a run without a failure: everything that is not in its pages
 * follows behind the last of them. Doing it again changes nothing.
 * Blocks must be whole pages.
 */
export async function createPlacedParquetWriter(
  { vectorFile: file }: Pick<RecordStore, "vectorFile">,
  layout: PagedLayout,
  options: ParquetOptions,
): Promise<ResultWriter> {
  const { dimensions, withText } = options;
  const writer = new SegmentWriter(file);
  const parquet = createLibraryWriter(writer, options);
  await writer.drain();
  writer.skipTo(layout.end);
  return {
    async write(block) {
      const count = block.slots.length;
      await parquet.write({ columnData: flatColumns(block, withText), rowGroupSize: count });
      const { preambles, ...column } = placedVectorColumn(layout, dimensions, { start: block.start, count });
      addVectorColumn(parquet, column);
      for (const preamble of preambles) await requireBytes(file, preamble);
      await writer.drain();
    },
    async finish() {
      await parquet.finish();
      await writer.drain();
      await file.truncate(writer.offset);
      await file.sync();
    },
    close: async () => undefined,
  };
}

/** Writes what is not there yet: it came with the first vector of its page, and a disk may have lost it all the same. */
async function requireBytes(file: DiskFile, { bytes, position }: PlacedBytes): Promise<void> {
  const found = new Uint8Array(bytes.length);
  await file.read(found, position);
  if (Buffer.compare(found, bytes) !== 0) await file.write([bytes], position);
}

function createLibraryWriter(writer: SegmentWriter, { withText, keyValueMetadata }: ParquetOptions): ParquetWriter {
  return new ParquetWriter({
    writer,
    schema: recordSchema(withText),
    kvMetadata: Object.entries(keyValueMetadata).map(([key, value]) => ({ key, value })),
    createdBy: "sluice",
  });
}

/** Puts the vectors into the row group that was written last. */
function addVectorColumn(parquet: ParquetWriter, column: WrittenColumn): void {
  const group = parquet.row_groups.at(-1);
  if (group === undefined) throw new Error("the Parquet library made no row group");
  insertColumn(group, VECTOR_POSITION, column.chunk);
  parquet.pendingIndexes.push(column);
}

function recordSchema(withText: boolean): SchemaElement[] {
  const text = (name: string): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
    repetition_type: "REQUIRED",
  });
  const count = (name: string): SchemaElement => ({ name, type: "INT32", repetition_type: "REQUIRED" });
  const metadata: SchemaElement = {
    name: "metadata",
    type: "BYTE_ARRAY",
    converted_type: "JSON",
    logical_type: { type: "JSON" },
    repetition_type: "OPTIONAL",
  };
  return [
    { name: "root", num_children: withText ? 8 : 6 },
    text("id"),
    count("index"),
    text("status"),
    ...VECTOR_SCHEMA,
    count("tokens"),
    count("attempts"),
    ...(withText ? [text("text"), metadata] : []),
  ];
}

/** All columns but the vectors, whose few bytes the library encodes fast enough. */
function flatColumns({ slots, items }: RecordBlock, withText: boolean): ColumnSource[] {
  const columns: ColumnSource[] = [
    { name: "id", data: items.map(({ id }) => id) },
    { name: "index", data: Int32Array.from(slots, ({ index }) => index), encoding: "PLAIN" },
    { name: "status", data: slots.map(({ status }) => statusName(status)) },
    { name: "tokens", data: Int32Array.from(slots, ({ tokens }) => tokens) },
    { name: "attempts", data: Int32Array.from(slots, ({ attempts }) => attempts) },
  ];
  if (!withText) return columns;
  return [
    ...columns,
    { name: "text", data: items.map(({ text }) => text), statistics: false, encoding: "PLAIN" },
    {
      name: "metadata",
      data: items.map(({ metadata }) => metadata ?? null),
      statistics: false,
      encoding: "PLAIN",
    },
  ];
}
