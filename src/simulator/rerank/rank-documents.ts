import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import type { VectorDefect } from "#src/simulator/server/faults.ts";

/** Few, because only the order of the scores matters. */
const DIMENSIONS = 64;

export interface RankedDocument {
  readonly index: number;
  /** From 0 to 1. */
  readonly score: number | null;
}

/** The documents by the similarity of their words to the query, the best first; a defect makes the list invalid. */
export function rankDocuments(
  query: string,
  documents: readonly string[],
  defect: VectorDefect | undefined,
): readonly RankedDocument[] {
  const target = embed(query);
  const ranked = documents
    .map((text, index) => ({ index, score: (1 + dot(target, embed(text))) / 2 }))
    .sort((a, b) => b.score - a.score);
  if (defect === "missing") return ranked.slice(1);
  if (defect === "extra") return [...ranked, ...ranked.slice(0, 1)];
  return defect === "null" ? ranked.map(({ index }) => ({ index, score: null })) : ranked;
}

/** Tokens that the model reads: the query once per document. */
export function countRerankTokens(query: string, documents: readonly string[]): number {
  return documents.reduce((sum, text) => sum + countTokens(query) + countTokens(text), 0);
}

function embed(text: string): Float32Array {
  return toFloats(embedText(text, DIMENSIONS));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
