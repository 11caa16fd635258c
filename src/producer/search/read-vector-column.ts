/**
 * Reads back the vector column as `vector-column.ts` of the sink writes it: uncompressed PLAIN pages, whose floats lie
 * in the file as they lie in memory. A general Parquet reader builds a JavaScript array per vector, which takes some
 * hundred times longer.
 */
import type { AsyncBuffer, ColumnChunk, RowGroup } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { RunError } from "#src/core/errors.ts";
import { VECTOR_PATH } from "#src/producer/output/vector-column.ts";

/** The vectors of one row group, those of failed items NaN; `isNull` is asked only for pages that have nulls. */
export async function readVectorColumn(
  file: AsyncBuffer,
  group: RowGroup,
  dimensions: number,
  isNull: () => Promise<(row: number) => boolean>,
): Promise<Float32Array> {
  const chunk = findVectorChunk(group);
  const { data_page_offset: start, total_compressed_size: size } = chunk;
  const bytes = await file.slice(Number(start), Number(start + size));
  const rows = Number(group.num_rows);
  const vectors = new Float32Array(rows * dimensions);
  const target = new Uint8Array(vectors.buffer);
  const reader = { view: new DataView(bytes), offset: 0 };
  let row = 0;
  while (reader.offset < bytes.byteLength) {
    const header = parquetHeader(reader);
    const page = header.data_page_header_v2;
    if (page?.encoding !== "PLAIN") throw createColumnError();
    const levels = page.definition_levels_byte_length + page.repetition_levels_byte_length;
    const values = new Uint8Array(bytes, reader.offset + levels, header.compressed_page_size - levels);
    if (values.length !== (page.num_values - page.num_nulls) * 4) throw createColumnError();
    const slotSize = dimensions * 4;
    if (page.num_nulls === 0) target.set(values, row * slotSize);
    else {
      const missing = await isNull();
      for (let i = 0, at = 0; i < page.num_rows; i += 1) {
        const targetRow = row + i;
        if (missing(targetRow)) vectors.fill(Number.NaN, targetRow * dimensions, (targetRow + 1) * dimensions);
        else {
          target.set(values.subarray(at, at + slotSize), targetRow * slotSize);
          at += slotSize;
        }
      }
    }
    row += page.num_rows;
    reader.offset += header.compressed_page_size;
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
  return new RunError("the vector column is not as a run writes it: the file was changed by another program");
}
