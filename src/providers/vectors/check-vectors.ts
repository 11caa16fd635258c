import { ProviderError, type ProviderErrorDetails } from "#src/core/failures/errors.ts";
import type { FloatMatrix } from "./decode-floats.ts";

/**
 * Throws `bad-response` unless the matrix contains exactly the requested vectors: their count, their dimension (where
 * the model's is known, at least one otherwise), only finite values, and no vector of zeros.
 */
export function checkVectors(
  matrix: FloatMatrix,
  expected: { readonly count: number; readonly dimensions?: number },
  details: Omit<ProviderErrorDetails, "kind">,
): void {
  const problem = findProblem(matrix, expected.count, expected.dimensions);
  if (problem !== undefined) throw new ProviderError(problem, { ...details, kind: "bad-response" });
}

function findProblem(matrix: FloatMatrix, count: number, dimensions: number | undefined): string | undefined {
  const { values, rows, columns } = matrix;
  if (rows !== count) return `the response contains ${rows} vectors for ${count} inputs`;
  if (columns === 0 || columns !== (dimensions ?? columns))
    return `the vectors of the response have ${columns} dimensions, not ${dimensions ?? "at least 1"}`;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let index = row * columns; index < (row + 1) * columns; index++) sum += Math.abs(values[index] as number);
    // float32 magnitudes cannot add up to a double's infinity, so only an infinite or NaN value makes this non-finite.
    if (!Number.isFinite(sum)) return `vector ${row} of the response contains a value that is not finite`;
    if (sum === 0) return `vector ${row} of the response is all zeros`;
  }
  return undefined;
}
