import { RunError } from "#src/core/failures/errors.ts";
import { pickLines, type ResultLine, readResultLines, withoutVector } from "./read-result-lines.ts";
import type { BlocksOptions, Result, ResultBlock } from "./result.ts";

/** Opens `records.jsonl`. Its dimensions are those of its first vector. */
export async function openJsonlResult(path: string): Promise<Result> {
  const dimensions = await readDimensions(path);
  return {
    format: "jsonl",
    dimensions,
    blocks: (options = {}) => readBlocks(path, dimensions, options),
    pick: (indices) => pickLines(path, indices),
  };
}

async function readDimensions(path: string): Promise<number> {
  for await (const records of readResultLines(path)) {
    for (const { vector } of records) if (Array.isArray(vector)) return vector.length;
  }
  return 0;
}

async function* readBlocks(path: string, dimensions: number, options: BlocksOptions): AsyncGenerator<ResultBlock> {
  let start = 0;
  for await (const records of readResultLines(path, options.signal)) {
    const vectors = new Float32Array(records.length * dimensions);
    for (const [i, record] of records.entries()) fillVector(vectors, i * dimensions, record, dimensions);
    const items = options.vectorsOnly === true ? [] : records.map(withoutVector);
    yield { start, count: records.length, vectors, items };
    start += records.length;
  }
}

function fillVector(vectors: Float32Array, at: number, { index, vector }: ResultLine, dimensions: number): void {
  if (vector === null || vector === undefined) vectors.fill(Number.NaN, at, at + dimensions);
  else if (vector.length === dimensions) vectors.set(vector, at);
  else throw new RunError(`item ${index}: expected ${dimensions} floats, not ${vector.length}`);
}
