import type { ByteWriter } from "hyparquet-writer";
import { type ThriftReader, type ThriftStruct, writeThriftStruct } from "./thrift.ts";

/*
 * `PageHeader` and `DataPageHeaderV2` of the Parquet format
 * (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift). Pages of vectors are written
 * while the run is in progress, for which hyparquet-writer has no API.
 */

export const DATA_PAGE_V2 = 3;
export const ENCODING_PLAIN = 0;

/** Header of a data page of version 2 with uncompressed PLAIN values. */
export interface PlainPageHeader {
  /** Bytes of levels and values, without the header. */
  readonly pageBytes: number;
  /** Values and nulls. */
  readonly valueCount: number;
  readonly nullCount: number;
  readonly rowCount: number;
  readonly definitionLevelBytes: number;
  readonly repetitionLevelBytes: number;
}

export function writePageHeader(writer: ByteWriter, header: PlainPageHeader): void {
  const dataPageHeader: ThriftStruct = new Map<number, number | boolean>([
    [1, header.valueCount],
    [2, header.nullCount],
    [3, header.rowCount],
    [4, ENCODING_PLAIN],
    [5, header.definitionLevelBytes],
    [6, header.repetitionLevelBytes],
    // is_compressed
    [7, false],
  ]);
  const pageHeader: ThriftStruct = new Map<number, number | ThriftStruct>([
    [1, DATA_PAGE_V2],
    [2, header.pageBytes],
    [3, header.pageBytes],
    [8, dataPageHeader],
  ]);
  writeThriftStruct(writer, pageHeader);
}

/** Reads a header that `writePageHeader` wrote; undefined for a page of any other kind. */
export function readPageHeader(reader: ThriftReader): PlainPageHeader | undefined {
  const pageHeader = reader.readStruct();
  const dataPageHeader = pageHeader.get(8);
  if (!(dataPageHeader instanceof Map) || dataPageHeader.get(4) !== ENCODING_PLAIN) return undefined;
  const field = (id: number) => Number(dataPageHeader.get(id));
  return {
    pageBytes: Number(pageHeader.get(3)),
    valueCount: field(1),
    nullCount: field(2),
    rowCount: field(3),
    definitionLevelBytes: field(5),
    repetitionLevelBytes: field(6),
  };
}
