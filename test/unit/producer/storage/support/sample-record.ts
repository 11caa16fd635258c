import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/** The vector of item `index`; `version` tells a late duplicate from the first. */
export function sampleVector(index: number, dimensions: number, version = 0): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, i) => Math.sin(index * 31 + i * 7 + version * 1_000));
}

/** Every seventh item fails, like `item 3`. */
export const failsAt = (index: number) => index % 7 === 3;

export function sampleRecord(index: number, dimensions: number, version = 0): WireRecord {
  const common = { index, attempts: (index % 5) + 1, tokens: index * 2 };
  if (failsAt(index)) {
    return {
      ...common,
      failure: { kind: "too-long", message: `too long: 长 ${version}`, code: `1${index}` },
    };
  }
  return { ...common, vector: Buffer.from(sampleVector(index, dimensions, version).buffer) };
}
