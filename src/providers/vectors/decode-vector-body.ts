import { readValue, scanBody, trimBody } from "#src/providers/scan-json.ts";
import { decodeFloatMatrix, type FloatMatrix, FloatSyntaxError } from "./decode-floats.ts";

export interface VectorBody {
  /** The array of arrays in the vector field; null when the field is null, undefined when it is absent. */
  readonly matrix: FloatMatrix | null | undefined;
  /** Every other top-level field, parsed. A map, so that a key such as `__proto__` stays data. */
  readonly rest: ReadonlyMap<string, unknown>;
}

const OPEN_BRACKET = 91;

/**
 * Decodes a JSON object that contains an array of float arrays in `field`, without creating strings for the floats.
 * Keys may come in any order; the last of two equal keys wins, as in JSON.parse. Throws FloatSyntaxError for everything
 * that JSON.parse rejects, and for a vector field that is not an array of number arrays of equal length.
 */
export function decodeVectorBody(bytes: Uint8Array, field: string, sizeHint: number): VectorBody {
  const body = trimBody(bytes);
  const rest = new Map<string, unknown>();
  let matrix: FloatMatrix | null | undefined;
  scanBody(body, (name, start) => {
    if (name === field && body[start] === OPEN_BRACKET) {
      const decoded = decodeFloatMatrix(body, start, sizeHint);
      matrix = decoded.matrix;
      return decoded.end;
    }
    const { value, end } = readValue(body, start);
    if (name !== field) rest.set(name, value);
    else if (value === null) matrix = null;
    else throw new FloatSyntaxError("an array of vectors or null", start);
    return end;
  });
  return { matrix, rest };
}
