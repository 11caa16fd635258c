import { performance } from "node:perf_hooks";
import { ConfigError, ProviderError } from "#src/core/failures/errors.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { isSearchable, type RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { findNearest } from "#src/producer/search/nearest.ts";
import type { SearchResult } from "./search-api.ts";

/** Embeds one text as a query, within the limits of its lane. */
export type EmbedQuery = (
  model: string,
  text: string,
  signal: AbortSignal,
  dimensions?: number,
) => Promise<Float32Array>;

/** A search reads every vector of the run, so only one runs at a time, and each has a timeout. */
const SEARCH_TIMEOUT_MS = 60_000;
const MAX_HIT_CHARACTERS = 1_000;

/** Query vectors that are cached in this process, so that repeating a search makes no call. Some megabytes. */
const MAX_CACHED_QUERIES = 100;

/** Searches finished embedding runs, as `sluice search` does. */
export class RunSearch {
  readonly #embed: EmbedQuery;
  /** By model, text, and dimensions. */
  readonly #queryVectors = new LruCache<string, Float32Array>(MAX_CACHED_QUERIES);
  #lastSearch: Promise<unknown> = Promise.resolve();

  constructor(embed: EmbedQuery) {
    this.#embed = embed;
  }

  /** Throws an HttpError when the run cannot be searched, or its provider refuses the query. */
  async search(folder: RunFolder, text: string, top: number): Promise<SearchResult> {
    if (!isSearchable(folder)) throw new HttpError(ERRORS.notSearchable);
    const queued = this.#lastSearch.then(() => this.#searchNow(folder, text, top));
    this.#lastSearch = queued.catch(() => undefined);
    return await queued;
  }

  async #searchNow({ dir, manifest }: RunFolder, text: string, top: number): Promise<SearchResult> {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(SEARCH_TIMEOUT_MS);
    const query = await this.#embedQuery(manifest, text, signal);
    const hits = await findNearest(dir, query, top, { signal });
    return {
      model: manifest.model,
      tookMs: Math.round(performance.now() - startedAt),
      hits: hits.map(({ index, id, score, text: found }) => ({
        index,
        id,
        score,
        text: found?.slice(0, MAX_HIT_CHARACTERS),
      })),
    };
  }

  async #embedQuery(manifest: RunManifest, text: string, signal: AbortSignal): Promise<Float32Array> {
    const { model } = manifest;
    const dimensions = manifest.kind === "embedding" ? manifest.askedDimensions : undefined;
    const key = JSON.stringify([model, text, dimensions]);
    const cached = this.#queryVectors.get(key);
    if (cached) return cached;
    const vector = await this.#embed(model, text, signal, dimensions).catch((error) => {
      throw toSearchError(error, model);
    });
    this.#queryVectors.set(key, vector);
    return vector;
  }
}

function toSearchError(error: unknown, model: string): unknown {
  if (error instanceof ProviderError) return new HttpError(ERRORS.queryRefused(model, error.message));
  if (error instanceof ConfigError) return new HttpError(ERRORS.modelNotCallable(model, error.problems[0]));
  if (error instanceof DOMException) return new HttpError(ERRORS.queryTimedOut(model, SEARCH_TIMEOUT_MS / 1000));
  return error;
}
