/**
 *   POST /api/runs/:run/search    operator    SearchRequest -> SearchResult    (makes one upstream call)
 */

export interface SearchRequest {
  readonly text: string;
  /** 1 to 50; 10 by default. */
  readonly top?: number;
}

export interface SearchHit {
  readonly index: number;
  readonly id: string;
  /** Cosine similarity; 1 for the same direction. */
  readonly score: number;
  /** Only if the output contains texts; truncated to 1,000 characters. */
  readonly text?: string;
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly model: string;
  readonly tookMs: number;
}
