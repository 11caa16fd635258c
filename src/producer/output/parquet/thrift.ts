import type { ByteWriter } from "hyparquet-writer";

/*
 * The part of the Thrift compact protocol that Parquet metadata needs
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). hyparquet and hyparquet-writer
 * have the same code, but do not export it.
 */

/** A value by its JavaScript type: number is i32, bigint i64, string and Uint8Array binary, array list, Map struct. */
export type ThriftValue = boolean | number | bigint | string | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Values by field id, in ascending order of the ids. Binary fields that were read are Uint8Array. */
export type ThriftStruct = Map<number, ThriftValue>;

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const I32 = 5;
const I64 = 6;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;
/** The size of a longer list follows the list header. */
const MAX_SHORT_LIST = 14;

export function writeThriftStruct(writer: ByteWriter, struct: ThriftStruct): void {
  let previousId = 0;
  for (const [id, value] of struct) {
    writer.appendUint8(((id - previousId) << 4) | getType(value));
    if (typeof value !== "boolean") writeValue(writer, value);
    previousId = id;
  }
  writer.appendUint8(STOP);
}

function writeValue(writer: ByteWriter, value: ThriftValue): void {
  if (typeof value === "number" || typeof value === "bigint") writer.appendZigZag(value);
  else if (value instanceof Map) writeThriftStruct(writer, value);
  else if (typeof value === "string" || value instanceof Uint8Array) {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    writer.appendVarInt(bytes.length);
    writer.appendBytes(bytes);
  } else if (Array.isArray(value)) {
    const elementType = value.length === 0 ? 0 : getType(value[0]);
    writer.appendUint8((Math.min(value.length, MAX_SHORT_LIST + 1) << 4) | elementType);
    if (value.length > MAX_SHORT_LIST) writer.appendVarInt(value.length);
    for (const element of value) writeValue(writer, element);
  }
}

function getType(value: ThriftValue): number {
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if (typeof value === "number") return I32;
  if (typeof value === "bigint") return I64;
  if (typeof value === "string" || value instanceof Uint8Array) return BINARY;
  return value instanceof Map ? STRUCT : LIST;
}

/** Reads structs one after another. Throws a RangeError for bytes that are not Thrift, or types that it does not know. */
export class ThriftReader {
  /** Position of the next byte. */
  offset = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  readStruct(): ThriftStruct {
    const struct: ThriftStruct = new Map();
    let id = 0;
    for (let header = this.#readByte(); header !== STOP; header = this.#readByte()) {
      if (header >> 4 === 0) throw new RangeError("Thrift field ids must be at most 15 apart");
      id += header >> 4;
      struct.set(id, this.#readValue(header & 0x0f));
    }
    return struct;
  }

  #readValue(type: number): ThriftValue {
    switch (type) {
      case TRUE:
        return true;
      case FALSE:
        return false;
      case I32: {
        const zigzag = Number(this.#readVarInt());
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
      case I64: {
        const zigzag = this.#readVarInt();
        return (zigzag >> 1n) ^ -(zigzag & 1n);
      }
      case BINARY: {
        const length = Number(this.#readVarInt());
        this.offset += length;
        return this.#bytes.subarray(this.offset - length, this.offset);
      }
      case LIST:
        return this.#readList();
      case STRUCT:
        return this.readStruct();
      default:
        throw new RangeError(`Thrift type ${type} is not supported`);
    }
  }
  #readList(): ThriftValue[] {
    const header = this.#readByte();
    const length = header >> 4 > MAX_SHORT_LIST ? Number(this.#readVarInt()) : header >> 4;
    const elements: ThriftValue[] = [];
    for (let i = 0; i < length; i += 1) elements.push(this.#readValue(header & 0x0f));
    return elements;
  }

  #readVarInt(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#readByte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #readByte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new RangeError("the Thrift data ends too early");
    this.offset += 1;
    return byte;
  }
}
