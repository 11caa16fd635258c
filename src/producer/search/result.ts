import type { ResultFormat } from "#src/producer/output/result-writer.ts";

/** One record of a finished run without its vector. */
export interface ResultItem {
  readonly id: string;
  readonly index: number;
  readonly status: "ok" | "failed";
  readonly tokens: number;
  readonly attempts: number;
  /** Present when the run was written with text. */
  readonly text?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Consecutive records in input order. */
export interface ResultBlock {
  /** Index of the first. */
  readonly start: number;
  readonly count: number;
  /** `count * dimensions` floats, NaN for failed items; valid until the next block is asked for. */
  readonly vectors: Float32Array;
  /** One per record; empty when only vectors were asked for. */
  readonly items: readonly ResultItem[];
}

export interface BlocksOptions {
  /** Leaves `items` empty, which is several times faster for Parquet and NumPy. */
  readonly vectorsOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** A finished run read back, whichever form it was written in. Memory stays constant whatever its size. */
export interface Result {
  readonly format: ResultFormat;
  /** Floats per vector; 0 when no item succeeded and none was expected. */
  readonly dimensions: number;
  /** The model the vectors are of, where the file says it. */
  readonly model?: string;
  blocks(options?: BlocksOptions): AsyncIterable<ResultBlock>;
  /** The records at these indices, in any order; an index outside the run is left out. */
  pick(indices: readonly number[]): Promise<ResultItem[]>;
}
