import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RunService } from "#src/dashboard/runs/run-service.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readJournal } from "#src/state/runs/run-journal.ts";
import type { FailureCauseService } from "./causes/failure-cause-service.ts";
import { findItems, type ItemFilter } from "./find-items.ts";
import { readItemAnswer } from "./item-answer.ts";
import type { ItemHistory, ItemPage, RevealedItem } from "./item-api.ts";
import { describeItemHistory } from "./item-history.ts";
import { revealItem } from "./reading/item-texts.ts";
import type { RunItemReader } from "./reading/run-item-reader.ts";
import type { StoredItem } from "./reading/stored-item.ts";

export interface ItemServiceDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly runService: RunService;
  readonly itemReader: RunItemReader;
  readonly causes: FailureCauseService;
}

/** Finds and describes the items of runs whose folder is on this machine. */
export class ItemService {
  readonly #deps: ItemServiceDeps;

  constructor(deps: ItemServiceDeps) {
    this.#deps = deps;
  }

  /** `cause` is the name of a failure cause. Throws an HttpError for an unknown run or cause. */
  async find(
    run: string,
    { cause, ...query }: Omit<ItemFilter, "cause"> & { readonly cause?: string | undefined },
  ): Promise<ItemPage> {
    const { runService, causes, itemReader } = this.#deps;
    const folder = await runService.requireFolder(run);
    const filter = cause === undefined ? undefined : await causes.requireFilter(run, cause);
    return await findItems(itemReader, folder, { ...query, cause: filter });
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
