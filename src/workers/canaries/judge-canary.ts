/** A text that no source contains. Its vector is known as soon as it was requested once. */
export const CANARY_TEXT = "Sluice canary: eleven grey herons at dusk";

/** Estimated tokens, high enough for every tokenizer. */
export const CANARY_TOKENS = 15;

/** Cosine from which two vectors belong to the same text: no provider's noise exceeds 0.01, and other texts are farther apart. */
const SAME_TEXT = 0.99;
/** Cosine from which two vectors of one call are the same vector. */
const SAME_VECTOR = 1 - 1e-9;

/** Why the vectors of a call cannot be trusted. */
export interface CanaryMismatch {
  /**
   * `moved`: the canary's vector is at another place of the call. `neighbor`: the canary has the vector of another input of the
   * call. `different`: neither.
   */
  readonly kind: "moved" | "neighbor" | "different";
  /** Of the canary's vector and its reference. */
  readonly cosine: number;
}

/** The vectors of a call with a canary. */
export interface CanaryAnswer {
  readonly vectors: Float32Array;
  readonly dimensions: number;
  /** Place of the canary among the inputs of the call, from 0. */
  readonly place: number;
}

/** Compares the canary's vector of a call with its reference, the vector of the first canary. Undefined if it matches. Pure. */
export function judgeCanary(answer: CanaryAnswer, reference: Float32Array): CanaryMismatch | undefined {
  const { vectors, dimensions, place } = answer;
  const vectorAt = (at: number) => vectors.subarray(at * dimensions, (at + 1) * dimensions);
  const own = vectorAt(place);
  const cosine = computeCosine(own, reference);
  if (cosine >= SAME_TEXT) return undefined;
  const others = Array.from({ length: vectors.length / dimensions }, (_, at) => at)
    .filter((at) => at !== place)
    .map(vectorAt);
  if (others.some((other) => computeCosine(other, reference) >= SAME_TEXT)) return { kind: "moved", cosine };
  if (others.some((other) => computeCosine(other, own) >= SAME_VECTOR)) return { kind: "neighbor", cosine };
  return { kind: "different", cosine };
}

/** 0 for vectors of different lengths. */
function computeCosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return 0;
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return dot / Math.sqrt(squareA * squareB);
}

const CAUSES = {
  moved: "its vector was at another place of the same call: the provider mixes up the inputs of a call",
  neighbor: "it is the vector of another input of the same call",
  different: "the provider uses another model, or mixes up calls",
};

export function describeMismatch({ kind, cosine }: CanaryMismatch): string {
  return `the vector of a known text is not the one that it had before (cosine ${cosine.toFixed(3)}); ${CAUSES[kind]}`;
}
