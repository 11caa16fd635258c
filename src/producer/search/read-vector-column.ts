/**
 * Reads the vector column that `output/parquet/vector-column.ts` writes: uncompressed PLAIN pages, whose floats have
 * the same bytes in the file and in memory. A general Parquet reader builds a JavaScript array per vector, which takes
 * several hundred times longer.
 */
import type { AsyncBuffer, ColumnChunk, RowGroup } from "hyparquet";
import { RunError } from "#src/core/failures/errors.ts";
import { readPageHeader } from "#src/producer/output/parquet/page-header.ts";
import { ThriftReader } from "#src/producer/output/parquet/thrift.ts";
import { VECTOR_PATH } from "#src/producer/output/parquet/vector-column.ts";

/** Reads the vectors of one row group, NaN for failed items. `readNulls` is called only for pages that have nulls. */
export async function readVectorColumn(
  file: AsyncBuffer,
  group: RowGroup,
  dimensions: number,
  readNulls: () => Promise<(row: number) => boolean>,
): Promise<Float32Array> {
  const { data_page_offset: start, total_compressed_size: size } = findVectorChunk(group);
  const bytes = new Uint8Array(await file.slice(Number(start), Number(start + size)));
  const rows = Number(group.num_rows);
  const vectors = new Float32Array(rows * dimensions);
  const target = new Uint8Array(vectors.buffer);
  const slotSize = dimensions * 4;
  const reader = new ThriftReader(bytes);
  let row = 0;
  while (reader.offset < bytes.length) {
    const page = readPageHeader(reader);
    if (page === undefined) throw createColumnError();
    const end = reader.offset + page.pageBytes;
    const values = bytes.subarray(reader.offset + page.definitionLevelBytes + page.repetitionLevelBytes, end);
    if (values.length !== (page.valueCount - page.nullCount) * 4) throw createColumnError();
    if (page.nullCount === 0) target.set(values, row * slotSize);
    else {
      const isNull = await readNulls();
      for (let i = row, at = 0; i < row + page.rowCount; i += 1) {
        if (isNull(i)) vectors.fill(Number.NaN, i * dimensions, (i + 1) * dimensions);
        else {
          target.set(values.subarray(at, at + slotSize), i * slotSize);
          at += slotSize;
        }
      }
    }
    row += page.rowCount;
    reader.offset = end;
  }
  if (row !== rows) throw createColumnError();
  return vectors;
}

function findVectorChunk(group: RowGroup): NonNullable<ColumnChunk["meta_data"]> {
  const path = VECTOR_PATH.join(".");
  const data = group.columns.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === path)?.meta_data;
  if (data?.codec !== "UNCOMPRESSED" || data.dictionary_page_offset !== undefined) throw createColumnError();
  return data;
}

function createColumnError(): RunError {
  return new RunError("the vector column is not in the form that a run writes: another program has changed the file");
}
