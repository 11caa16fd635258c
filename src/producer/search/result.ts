import type { ResultFormat } from "#src/producer/output/result-writer.ts";

/** One record of a finished run, without its vector. */
export interface ResultItem {
  readonly id: string;
  readonly index: number;
  readonly status: "ok" | "failed";
  readonly tokens: number;
  readonly attempts: number;
  /** Present if the run was written with text. */
  readonly text?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Consecutive records in input order. */
export interface ResultBlock {
  /** Index of the first record. */
  readonly start: number;
  readonly count: number;
  /** `count * dimensions` floats, NaN for failed items; valid until the next block is requested. */
  readonly vectors: Float32Array;
  /** One per record; empty with `vectorsOnly`. */
  readonly items: readonly ResultItem[];
}

export interface BlocksOptions {
  /** Leaves `items` empty, which is several times faster for Parquet and NumPy. */
  readonly vectorsOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** A finished run in any output format. Reading it needs constant memory, independent of its size. */
export interface Result {
  readonly format: ResultFormat;
  /** Floats per vector; 0 when no item succeeded and the number is unknown. */
  readonly dimensions: number;
  /** The model of the vectors, if the file contains it. */
  readonly model?: string;
  blocks(options?: BlocksOptions): AsyncIterable<ResultBlock>;
  /** Reads the records with these indices, in any order; skips indices outside the run. */
  pick(indices: readonly number[]): Promise<ResultItem[]>;
}
