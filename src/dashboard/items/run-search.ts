import { performance } from "node:perf_hooks";
import { ConfigError, InputError, ProviderError, RunError } from "#src/core/errors.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { isSearchable, type RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { nearest } from "#src/producer/search/nearest.ts";
import type { SearchResult } from "./search-api.ts";

/** Embeds one text as a query, within the limits of its lane. */
export type EmbedQuery = (model: string, text: string, signal: AbortSignal) => Promise<Float32Array>;

/** Every vector of the run is read: one search at a time, and none without an end. */
const SEARCH_MS = 60_000;
const TEXT_SHOWN = 1_000;

/** Vectors of queries kept, in this process only: a list that is looked at again costs no call. Some megabytes. */
const KEPT_QUERIES = 100;

/** Searches finished embedding runs, as `sluice search` does. */
export class RunSearch {
  readonly #embed: EmbedQuery;
  /** By model and text; the one asked for longest ago goes first. */
  readonly #queries = new Map<string, Float32Array>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(embed: EmbedQuery) {
    this.#embed = embed;
  }

  /** Throws an HttpError when the run cannot be searched, or its provider refuses the query. */
  async search(folder: RunFolder, text: string, top: number): Promise<SearchResult> {
    if (!isSearchable(folder)) {
      throw new HttpError("wrong-state", "Only finished embedding runs can be searched.");
    }
    const queued = this.#last.then(() => this.#searchNow(folder, text, top));
    this.#last = queued.catch(() => undefined);
    return await queued;
  }

  async #searchNow({ dir, manifest }: RunFolder, text: string, top: number): Promise<SearchResult> {
    const begun = performance.now();
    const signal = AbortSignal.timeout(SEARCH_MS);
    const query = await this.#embedQuery(manifest.model, text, signal);
    const hits = await nearest(dir, query, top, { signal });
    return {
      model: manifest.model,
      tookMs: Math.round(performance.now() - begun),
      hits: hits.map(({ index, id, score, text: found }) => ({
        index,
        id,
        score,
        text: found === undefined ? undefined : found.slice(0, TEXT_SHOWN),
      })),
    };
  }

  async #embedQuery(model: string, text: string, signal: AbortSignal): Promise<Float32Array> {
    const key = JSON.stringify([model, text]);
    const known = this.#queries.get(key);
    const vector =
      known ??
      (await this.#embed(model, text, signal).catch((error) => {
        throw toSearchError(error, model);
      }));
    this.#queries.delete(key);
    this.#queries.set(key, vector);
    const [oldest] = this.#queries.keys();
    if (this.#queries.size > KEPT_QUERIES && oldest !== undefined) this.#queries.delete(oldest);
    return vector;
  }
}

function toSearchError(error: unknown, model: string): unknown {
  if (error instanceof ProviderError) {
    return new HttpError("provider-failed", `${model} did not embed the query: ${error.message}`);
  }
  if (error instanceof ConfigError) {
    return new HttpError("provider-failed", `${model} cannot be called from here: ${error.problems[0]}`);
  }
  if (error instanceof RunError || error instanceof InputError) return error;
  if (error instanceof DOMException) {
    return new HttpError("provider-failed", `${model} did not answer within ${SEARCH_MS / 1000} s.`);
  }
  return error;
}
