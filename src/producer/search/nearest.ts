import { InputError, RunError } from "#src/core/failures/errors.ts";
import { openResult } from "./open-result.ts";
import type { Result, ResultItem } from "./result.ts";
import { type Scored, TopK } from "./top-k.ts";

/** A search result; `score` is the cosine similarity of record and query, 1 for the same direction. */
export interface Hit {
  readonly id: string;
  readonly index: number;
  readonly score: number;
  readonly text?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Finds the `k` records of a finished run that are nearest to `query`, best first. The search is exact: it compares the
 * query with every vector. Failed items are skipped; a vector of zeros has score 0. Rejects when `dir` contains no
 * finished run or the query has another number of dimensions.
 */
export async function findNearest(
  dir: string,
  query: Float32Array,
  k: number,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Hit[]> {
  const {
    result,
    found: [found = []],
  } = await rankRecords(dir, [query], k, options);
  const items = new Map((await result.pick(found.map(({ index }) => index))).map((item) => [item.index, item]));
  return found.flatMap(({ index, score }) => toHit(items.get(index), score));
}

/** The ids of the `k` nearest records to each query, best first, in one pass over the run; otherwise as `findNearest`. */
export async function findNearestIds(
  dir: string,
  queries: readonly Float32Array[],
  k: number,
  options: { readonly signal?: AbortSignal } = {},
): Promise<string[][]> {
  const { result, found } = await rankRecords(dir, queries, k, options);
  const indices = new Set(found.flat().map(({ index }) => index));
  const ids = new Map((await result.pick([...indices])).map(({ index, id }) => [index, id]));
  return found.map((records) => records.flatMap(({ index }) => ids.get(index) ?? []));
}

async function rankRecords(
  dir: string,
  queries: readonly Float32Array[],
  k: number,
  options: { readonly signal?: AbortSignal },
): Promise<{ readonly result: Result; readonly found: readonly Scored[][] }> {
  if (!Number.isInteger(k) || k < 1) throw new InputError(`the number of results must be 1 or more, not ${k}`);
  const result = await openResult(dir);
  const { dimensions } = result;
  for (const { length } of queries) {
    if (dimensions > 0 && length !== dimensions) {
      throw new RunError(
        `the query has ${length} dimensions, the vectors in ${dir} have ${dimensions}`,
        "Embed the query with the model of the run.",
      );
    }
  }
  const rankings = queries.map((query) => ({ direction: normalize(query), best: new TopK(k) }));
  for await (const { start, count, vectors } of result.blocks({ ...options, vectorsOnly: true })) {
    for (const { direction, best } of rankings) {
      const scores = scoreBlock(vectors, direction, count);
      for (let i = 0; i < count; i += 1) {
        const score = scores[i] ?? Number.NaN;
        // Written so that NaN, the score of a failed item, fails the comparison.
        if (score >= best.threshold) best.add({ index: start + i, score });
      }
    }
  }
  return { result, found: rankings.map(({ best }) => best.best()) };
}

function toHit(item: ResultItem | undefined, score: number): Hit[] {
  if (item === undefined) return [];
  const { id, index, text, metadata } = item;
  return [{ id, index, score, text, metadata }];
}

function normalize(query: Float32Array): Float64Array {
  const length = Math.sqrt(query.reduce((sum, value) => sum + value * value, 0));
  if (!(length > 0 && Number.isFinite(length))) {
    throw new InputError("the query vector has no direction: it must be finite and not all zeros");
  }
  return Float64Array.from(query, (value) => value / length);
}

/** Computes the cosine similarity of every vector of a block with a vector of unit length. */
function scoreBlock(vectors: Float32Array, direction: Float64Array, count: number): Float64Array {
  const dimensions = direction.length;
  const scores = new Float64Array(count);
  for (let i = 0; i < count; i += 1) scores[i] = cosine(vectors, i * dimensions, direction);
  return scores;
}

/** Uses two sums each for product and length, so that the CPU runs four independent chains of additions. */
function cosine(vectors: Float32Array, offset: number, direction: Float64Array): number {
  let evenProduct = 0;
  let oddProduct = 0;
  let evenSquares = 0;
  let oddSquares = 0;
  const paired = direction.length & ~1;
  for (let i = 0; i < paired; i += 2) {
    const even = vectors[offset + i] ?? 0;
    const odd = vectors[offset + i + 1] ?? 0;
    evenProduct += even * (direction[i] ?? 0);
    oddProduct += odd * (direction[i + 1] ?? 0);
    evenSquares += even * even;
    oddSquares += odd * odd;
  }
  if (paired < direction.length) {
    const last = vectors[offset + paired] ?? 0;
    evenProduct += last * (direction[paired] ?? 0);
    evenSquares += last * last;
  }
  const squares = evenSquares + oddSquares;
  return squares === 0 ? 0 : (evenProduct + oddProduct) / Math.sqrt(squares);
}
