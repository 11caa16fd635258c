/** Estimated tokens per chunk unless the user chooses another size. */
export const DEFAULT_CHUNK_TOKENS = 400;
/** Estimated tokens that neighboring chunks share by default. */
export const DEFAULT_CHUNK_OVERLAP = 40;
/** Smaller chunks would consist of headings and overlap only. */
export const MIN_CHUNK_TOKENS = 16;

/**
 * The default chunk size for a model that accepts at most `maxTokens` tokens per input. Half of the model's limit is safe,
 * because no kind of text has more than twice as many tokens as estimated.
 */
export function chooseChunkTokens(maxTokens: number | undefined): number {
  if (maxTokens === undefined) return DEFAULT_CHUNK_TOKENS;
  return Math.min(DEFAULT_CHUNK_TOKENS, Math.max(1, Math.floor(maxTokens / 2)));
}

/** A chunk size with which documents are split whose chunks of `tokens` tokens the model has rejected as too long. */
export function suggestChunkTokens(tokens: number): number {
  return Math.max(MIN_CHUNK_TOKENS, Math.floor(tokens / 2));
}

/** The default overlap of chunks of `tokens` tokens. A larger overlap would be refused. */
export function chooseChunkOverlap(tokens: number): number {
  return Math.min(DEFAULT_CHUNK_OVERLAP, Math.max(0, Math.floor(tokens / 2)));
}
