import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { SnapshotSampler, SystemSnapshot } from "#src/dashboard/sampling/snapshot-sampler.ts";
import { describeRunPage } from "./describe-run-page.ts";
import type { RunList, RunPage, RunPhaseView, RunSortKey } from "./run-api.ts";
import type { RunCache, RunInfo } from "./run-cache.ts";
import { locateRunFolder, type RunFolder, requireRunFolder } from "./run-folder.ts";
import type { RunProcesses } from "./run-processes.ts";
import { sortRuns } from "./sort-runs.ts";
import { getRunPhase, summarizeRun } from "./summarize-run.ts";

export interface RunServiceDeps {
  readonly breaker: RedisCircuitBreaker;
  readonly sampler: SnapshotSampler;
  readonly runCache: RunCache;
  readonly retries: RunProcesses;
}

export interface RunListQuery {
  readonly offset: number;
  readonly limit: number;
  readonly state?: RunPhaseView | undefined;
  /** Part of an id, a model or a folder; case-insensitive. */
  readonly text: string;
  /** Runs that started at or after this time; epoch ms. */
  readonly from?: number | undefined;
  /** Runs that started before this time; epoch ms. */
  readonly before?: number | undefined;
  /** Newest first if undefined. */
  readonly sort?: RunSortKey | undefined;
  readonly order?: "ascending" | "descending" | undefined;
}

/** Finds and describes runs. */
export class RunService {
  readonly #deps: RunServiceDeps;

  constructor(deps: RunServiceDeps) {
    this.#deps = deps;
  }

  async list(query: RunListQuery): Promise<RunList> {
    return filterRuns(await this.#deps.sampler.readSnapshot(), query);
  }

  /** Reads the run from Redis. Throws an HttpError for a run that Redis does not list. */
  async requireRun(run: string): Promise<RunInfo> {
    const { breaker, runCache } = this.#deps;
    const known = await breaker.run(() => runCache.refresh(run));
    if (known) return known;
    throw new HttpError(ERRORS.unknownRun);
  }

  async requireFolder(run: string): Promise<RunFolder> {
    return await requireRunFolder(await this.requireRun(run));
  }

  async readPage(run: string): Promise<RunPage> {
    const [known, { at }] = await Promise.all([this.requireRun(run), this.#deps.sampler.readSnapshot()]);
    return await this.#describe(known, at);
  }

  /** The page of a run as of the last snapshot; undefined for an unknown run. */
  async readCachedPage(run: string, at: number): Promise<RunPage | undefined> {
    const known = this.getCached(run);
    return known && (await this.#describe(known, at));
  }

  getCached(run: string): RunInfo | undefined {
    return this.#deps.runCache.get(run);
  }

  async #describe(known: RunInfo, at: number): Promise<RunPage> {
    const { sampler, retries } = this.#deps;
    const found = await locateRunFolder(known);
    return describeRunPage({ at, known, found, lanes: sampler.latest?.lanes ?? [], retry: retries.status(known.run) });
  }
}

/** The runs of a snapshot that match the query. Pure. */
export function filterRuns(
  { at, runs }: Pick<SystemSnapshot, "at" | "runs">,
  {
    offset,
    limit,
    state,
    text,
    from = Number.NEGATIVE_INFINITY,
    before = Number.POSITIVE_INFINITY,
    sort,
    order = "descending",
  }: RunListQuery,
): RunList {
  const needle = text.toLowerCase();
  const matches = runs.filter(
    (known) =>
      known.createdAt >= from &&
      known.createdAt < before &&
      (state === undefined || getRunPhase(known) === state) &&
      (needle === "" ||
        [known.run, known.name, known.note, known.model, known.dir].some((value) =>
          value?.toLowerCase().includes(needle),
        )),
  );
  const end = offset + limit;
  const page =
    sort === undefined
      ? matches.slice(offset, end).map(summarizeRun)
      : sortRuns(matches.map(summarizeRun), sort, order).slice(offset, end);
  return { at, runs: page, total: matches.length, offset };
}
