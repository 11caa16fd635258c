import { setImmediate } from "node:timers/promises";
import { InputError } from "#src/core/failures/errors.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RunService } from "#src/dashboard/runs/run-service.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import { formatCursor, parseCursor } from "#src/producer/items/item-cursor.ts";
import { type ExportFormat, formatItems } from "#src/producer/items/item-export.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { INDEX_SORT, type ItemQuery, parseItemSort, selectsFailures } from "#src/producer/items/item-query.ts";
import { listTerms } from "#src/producer/items/match-expression.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readJournal } from "#src/state/runs/run-journal.ts";
import type { FailureCauseService } from "./causes/failure-cause-service.ts";
import { readItemAnswer } from "./item-answer.ts";
import type { ItemHistory, ItemPage, RevealedItem } from "./item-api.ts";
import { describeItemHistory } from "./item-history.ts";
import { type ItemFilterParams, readsContents, toItemQuery } from "./item-query-params.ts";
import { findOutputItems, toSummary } from "./reading/find-output-items.ts";
import { revealItem } from "./reading/item-texts.ts";
import type { OutputReader } from "./reading/output-items.ts";
import { type RunItemReader, toStoredItem } from "./reading/run-item-reader.ts";
import type { StoredItem } from "./reading/stored-item.ts";
import type { SearchIndexes } from "./search-indexes.ts";

export interface ItemServiceDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly runService: RunService;
  readonly itemReader: RunItemReader;
  readonly causes: FailureCauseService;
  readonly indexes: SearchIndexes;
}

export interface ItemPageParams extends ItemFilterParams {
  readonly sort: string;
  /** The `next` of an earlier page. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ItemExportParams extends ItemFilterParams {
  readonly format: ExportFormat;
  readonly texts: boolean;
}

/** Finds and describes the items of runs whose folder is on this machine. */
export class ItemService {
  readonly #deps: ItemServiceDeps;

  constructor(deps: ItemServiceDeps) {
    this.#deps = deps;
  }

  /** Throws an HttpError for an unknown run or cause, and for a filter that is not valid or needs the run's database. */
  async find(run: string, { sort, after, limit, ...params }: ItemPageParams): Promise<ItemPage> {
    const { itemReader, indexes } = this.#deps;
    const { folder, query } = await this.#resolve(run, params);
    if (!folder.hasDatabase) {
      return await findInOutput(itemReader.outputs, folder, { sort, after, limit, ...params });
    }
    using finder = new ItemFinder(folder.dir);
    const indexingShare = readsContents(params) ? await indexes.prepare(folder.dir, finder) : undefined;
    if (indexingShare !== undefined) return { items: [], indexingShare };
    // The index may just have been built.
    using ready = readsContents(params) ? new ItemFinder(folder.dir) : undefined;
    return withInputErrors(() => {
      const found = ready ?? finder;
      const cursor = after === undefined ? undefined : parseCursor(after);
      const { items, next } = found.find(query, { sort: parseItemSort(sort) ?? INDEX_SORT, after: cursor, limit });
      return {
        items: items.map((item) => toSummary(toStoredItem(item))),
        next: next && formatCursor(next),
        total: found.count(query),
      };
    });
  }

  /** All matching items as the text of a file. Throws an HttpError as `find` does, and while the index is being built. */
  async export(run: string, { format, texts, ...params }: ItemExportParams): Promise<AsyncGenerator<string>> {
    const { folder, query } = await this.#resolve(run, params);
    if (!folder.hasDatabase) throw new HttpError(ERRORS.needsDatabase);
    using finder = new ItemFinder(folder.dir);
    const share = readsContents(params) ? await this.#deps.indexes.prepare(folder.dir, finder) : undefined;
    if (share !== undefined) throw new HttpError(ERRORS.indexBuilding(share));
    return exportMatches(folder.dir, query, { format, texts });
  }

  async #resolve(
    run: string,
    params: ItemFilterParams,
  ): Promise<{ readonly folder: RunFolder; readonly query: ItemQuery }> {
    const { runService, causes } = this.#deps;
    const folder = await runService.requireFolder(run);
    const cause = params.cause === undefined ? undefined : await causes.requireQuery(run, params.cause);
    return { folder, query: toItemQuery(params, cause) };
  }

  async readHistory(run: string, index: number): Promise<ItemHistory> {
    const { client, keys, breaker } = this.#deps;
    const { folder, item } = await this.#requireItem(run, index);
    const [failed, answer] = await Promise.all([
      breaker.run(() => readJournal(client, keys, run, index)),
      readItemAnswer(folder, item),
    ]);
    const { model } = folder.manifest;
    return describeItemHistory(item, answer, { failed, succeeded: item.call }, { at: Date.now(), run, model });
  }

  async reveal(run: string, index: number): Promise<RevealedItem> {
    const { folder, item } = await this.#requireItem(run, index);
    return revealItem(item, await readItemAnswer(folder, item));
  }

  async #requireItem(run: string, index: number): Promise<{ readonly folder: RunFolder; readonly item: StoredItem }> {
    const folder = await this.#deps.runService.requireFolder(run);
    const item = await this.#deps.itemReader.readItem(folder, index);
    if (item) return { folder, item };
    throw new HttpError(ERRORS.unknownItem(index, folder.manifest.items.total));
  }
}

/** A finished run without its database has neither failed nor waiting items, and its output can only be read in order. */
async function findInOutput(outputs: OutputReader, folder: RunFolder, params: ItemPageParams): Promise<ItemPage> {
  const { sort, after, limit, text = "", id = "", status, ...others } = params;
  if (selectsFailures(toItemQuery(params)) || status === "waiting") return { items: [], total: 0 };
  const needsDatabase = Object.values(others).some((value) => value !== undefined);
  if (needsDatabase || sort !== "index") throw new HttpError(ERRORS.needsDatabase);
  const terms = listTerms(text).map(({ term }) => term);
  return await findOutputItems(outputs, folder, {
    id: id.replace(/^"(.*)"$/, "$1"),
    terms,
    from: Number(after ?? 0),
    limit,
  });
}

async function* exportMatches(
  dir: string,
  query: ItemQuery,
  options: { readonly format: ExportFormat; readonly texts: boolean },
): AsyncGenerator<string> {
  using finder = new ItemFinder(dir);
  for (const { text } of formatItems(finder.readAll(query), options)) {
    yield text;
    // Reading is synchronous; other requests are served in between.
    await setImmediate();
  }
}

function withInputErrors<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InputError ? new HttpError(ERRORS.invalidRequest([error.message])) : error;
  }
}
