import type { SchemaElement } from "hyparquet";
import { type ColumnSource, ParquetWriter } from "hyparquet-writer";
import type { ResultWriter } from "#src/producer/output/result-writer.ts";
import type { PagedLayout } from "#src/producer/output/vector-layout.ts";
import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import type { StoredBlock } from "#src/producer/storage/read-records.ts";
import type { PlacedBytes } from "#src/producer/storage/vectors/plan-writes.ts";
import { insertColumns, type WrittenColumn } from "./footer.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { describePlacedColumn, VECTOR_SCHEMA, writeVectorColumn } from "./vector-column.ts";

export interface ParquetOptions {
  readonly dimensions: number;
  readonly withText: boolean;
  /** Stored in the file's key-value metadata. */
  readonly keyValueMetadata: Readonly<Record<string, string>>;
}

/** Creates `records.parquet` and copies the vectors into it: one row group per block. */
export async function createParquetWriter(disk: Disk, path: string, options: ParquetOptions): Promise<ResultWriter> {
  const file = await disk.open(path);
  await file.truncate(0);
  const { dimensions } = options;
  const writer = new SegmentWriter(file);
  const records = new RecordsWriter(writer, options);
  return {
    async write(block) {
      const { rows, vectors } = block;
      await records.writeRowGroup(block, () => writeVectorColumn(writer, { rows, vectors, dimensions }));
    },
    async finish() {
      await records.finish();
      await file.sync();
    },
    close: () => file.close(),
  };
}

/**
 * Turns the vector file of a store into a Parquet file in place, for a run without failures: everything that is not
 * part of its pages is appended after the last of them. Repeating it changes nothing. Blocks must be whole pages.
 */
export async function createInPlaceParquetWriter(
  file: DiskFile,
  layout: PagedLayout,
  options: ParquetOptions,
): Promise<ResultWriter> {
  const { rowsPerPage } = layout;
  const writer = new SegmentWriter(file);
  const records = new RecordsWriter(writer, options);
  await writer.drain();
  writer.skipTo(layout.end);
  return {
    async write(block) {
      const range = { start: block.start, count: block.rows.length };
      for (let first = 0; first < range.count; first += rowsPerPage) {
        await ensureBytes(file, layout.pageStart(range.start + first));
      }
      await records.writeRowGroup(block, () => describePlacedColumn(layout, options.dimensions, range));
    },
    async finish() {
      await records.finish();
      await file.truncate(writer.offset);
      await file.sync();
    },
    close: async () => undefined,
  };
}

/** Writes bytes that are missing: they were written with the first vector of their page, but a disk may lose them. */
async function ensureBytes(file: DiskFile, { bytes, position }: PlacedBytes): Promise<void> {
  const found = new Uint8Array(bytes.length);
  await file.read(found, position);
  if (Buffer.compare(found, bytes) !== 0) await file.write([bytes], position);
}

/** Position of the vector column: after `id`, `index` and `status`. */
const VECTOR_POSITION = 3;

/** Writes row groups whose vector column is written separately, because the library is too slow for it. */
class RecordsWriter {
  readonly #writer: SegmentWriter;
  readonly #withText: boolean;
  readonly #parquet: ParquetWriter;
  readonly #vectorColumns: WrittenColumn[] = [];

  constructor(writer: SegmentWriter, { withText, keyValueMetadata }: ParquetOptions) {
    this.#writer = writer;
    this.#withText = withText;
    this.#parquet = new ParquetWriter({
      writer,
      schema: createSchema(withText),
      kvMetadata: Object.entries(keyValueMetadata).map(([key, value]) => ({ key, value })),
      createdBy: "sluice",
    });
  }

  async writeRowGroup(block: StoredBlock, writeVectors: () => WrittenColumn): Promise<void> {
    await this.#parquet.write({ columnData: toColumns(block, this.#withText), rowGroupSize: block.rows.length });
    this.#vectorColumns.push(writeVectors());
    await this.#writer.drain();
  }

  /** Appends the footer, with the vector columns inserted into it. */
  async finish(): Promise<void> {
    await this.#writer.drain();
    await this.#parquet.finish();
    const inserted = { columns: this.#vectorColumns, position: VECTOR_POSITION };
    this.#writer.replacePending((bytes, offset) => insertColumns(bytes, offset, inserted));
    await this.#writer.drain();
  }
}

function createSchema(withText: boolean): SchemaElement[] {
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
  const columns = [text("id"), count("index"), text("status"), ...VECTOR_SCHEMA, count("tokens"), count("attempts")];
  if (!withText) return [{ name: "root", num_children: 6 }, ...columns];
  return [{ name: "root", num_children: 8 }, ...columns, text("text"), metadata];
}

/** All columns but the vectors. */
function toColumns({ rows }: StoredBlock, withText: boolean): ColumnSource[] {
  const columns: ColumnSource[] = [
    { name: "id", data: rows.map(({ item }) => item.id) },
    { name: "index", data: Int32Array.from(rows, ({ item }) => item.index), encoding: "PLAIN" },
    { name: "status", data: rows.map(({ record }) => record.status) },
    { name: "tokens", data: Int32Array.from(rows, ({ record }) => record.tokens) },
    { name: "attempts", data: Int32Array.from(rows, ({ record }) => record.attempts) },
  ];
  if (!withText) return columns;
  const plain = { statistics: false, encoding: "PLAIN" } as const;
  return [
    ...columns,
    { name: "text", data: rows.map(({ item }) => item.text), ...plain },
    // Without a prototype, the writer stringifies objects as they are; it would drop the key `__proto__` of others.
    {
      name: "metadata",
      data: rows.map(({ item }) => item.metadata && { __proto__: null, ...item.metadata }),
      ...plain,
    },
  ];
}
