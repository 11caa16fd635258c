import { ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { Call, EmbeddingModel, EmbeddingRequest, EmbeddingResponse } from "#src/providers/provider.ts";

export const DIMENSIONS = 4;

/** The vector of a text: depends on nothing else. */
export function vectorOf(text: string): Float32Array {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return Float32Array.from([hash % 1000, text.length, (hash >> 8) % 1000, 1]);
}

export interface FakeEmbedding extends EmbeddingModel {
  /** Texts of every call so far, in the order of the calls. */
  readonly calls: readonly (readonly string[])[];
  readonly maxInFlight: number;
}

/** An embedding model in memory. `onCall` may wait, or throw to fail the call. */
export function createFakeEmbedding(
  options: { maxInputs?: number; onCall?: (inputs: readonly string[], call: Call) => unknown } = {},
): FakeEmbedding {
  const calls: (readonly string[])[] = [];
  let inFlight = 0;
  let maxInFlight = 0;
  return {
    calls,
    maxInputs: options.maxInputs ?? 10,
    get maxInFlight() {
      return maxInFlight;
    },
    async embed({ inputs }: EmbeddingRequest, call: Call): Promise<EmbeddingResponse> {
      calls.push(inputs);
      inFlight += 1;
      maxInFlight = Math.max(maxInFlight, inFlight);
      try {
        await options.onCall?.(inputs, call);
      } finally {
        inFlight -= 1;
      }
      const vectors = new Float32Array(inputs.length * DIMENSIONS);
      for (const [i, text] of inputs.entries()) vectors.set(vectorOf(text), i * DIMENSIONS);
      return { vectors, dimensions: DIMENSIONS, usage: { totalTokens: inputs.join("").length } };
    },
  };
}

export function createProviderError(kind: ProviderErrorKind, extra: object = {}): ProviderError {
  return new ProviderError(`a simulated failure of kind ${kind}`, { kind, provider: "fake", ...extra });
}
