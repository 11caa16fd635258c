import { readFileSync } from "node:fs";

/** Reads shape and floats of a NumPy file, independently of the code under test. */
export function readNpy(path: string): { shape: number[]; floats: Float32Array } {
  const bytes = readFileSync(path);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + headerLength).toString("latin1");
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter(Boolean).map(Number);
  const data = bytes.subarray(10 + headerLength);
  return {
    shape,
    floats: new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)),
  };
}

/** Reads the objects of a JSONL file. */
export function readJsonl(path: string): Record<string, unknown>[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
