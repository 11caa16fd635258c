import {
  type FailureCause,
  FailureCauseCounter,
  isOtherCause,
  parseOtherCause,
} from "#src/core/failures/failure-cause-counter.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { RunItemReader } from "#src/dashboard/items/reading/run-item-reader.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { locateRunFolder, type RunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RunService } from "#src/dashboard/runs/run-service.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { ItemQuery } from "#src/producer/items/item-query.ts";
import { listFailureGroups } from "#src/producer/storage/failure-rows.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readFailureCauses } from "#src/state/runs/run-journal.ts";
import type { FailureCauseList, FailureCauseView } from "./cause-api.ts";

const MAX_CAUSES_SHOWN = 100;
/** Examples whose item id is looked up, starting with the largest causes. */
const MAX_EXAMPLE_IDS = 20;
const MAX_CACHED_IDS = 5_000;

export interface FailureCauseServiceDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly runService: RunService;
  readonly itemReader: RunItemReader;
}

/** The failure causes of runs, from Redis or from the run's folder. */
export class FailureCauseService {
  readonly #deps: FailureCauseServiceDeps;
  /** "RUN INDEX" -> item id, which never changes. */
  readonly #itemIds = new LruCache<string, string>(MAX_CACHED_IDS);

  constructor(deps: FailureCauseServiceDeps) {
    this.#deps = deps;
  }

  /** Throws an HttpError for an unknown run. */
  async list(run: string): Promise<FailureCauseList> {
    const known = await this.#deps.runService.requireRun(run);
    const causes = await this.#readCauses(known);
    return {
      at: Date.now(),
      causes: await this.#addExampleIds(known, causes.slice(0, MAX_CAUSES_SHOWN)),
      others: sumCounts(causes.slice(MAX_CAUSES_SHOWN)),
      total: sumCounts(causes),
    };
  }

  /** Selects the items of one cause. Throws an HttpError if the run has no such cause. */
  async requireQuery(run: string, cause: string): Promise<ItemQuery> {
    const listed = await this.#readCauses(await this.#deps.runService.requireRun(run));
    const causes = new Set(listed.map((one) => one.cause));
    if (!causes.has(cause)) throw new HttpError(ERRORS.unknownCause);
    const otherKind = parseOtherCause(cause);
    return otherKind === undefined ? { cause } : { kinds: new Set([otherKind]), excludedCauses: causes };
  }

  async #readCauses(known: RunInfo): Promise<readonly FailureCauseView[]> {
    const { client, keys, breaker } = this.#deps;
    const causes = await breaker.run(() => readFailureCauses(client, keys, known.run));
    return causes.length > 0 ? causes.map(toFailureCauseView) : await this.#recountFromFolder(known);
  }

  /** Redis forgets the causes with the run, but the records on disk remain. */
  async #recountFromFolder(known: RunInfo): Promise<FailureCauseView[]> {
    const found = await locateRunFolder(known);
    return found.isReadable && found.folder.hasDatabase ? countFailures(found.folder) : [];
  }

  async #addExampleIds(known: RunInfo, causes: readonly FailureCauseView[]): Promise<readonly FailureCauseView[]> {
    const found = await locateRunFolder(known);
    if (!found.isReadable) return causes;
    return await Promise.all(
      causes.map(async (cause, i) => {
        const id = i < MAX_EXAMPLE_IDS ? await this.#readItemId(found.folder, cause.example.index) : undefined;
        return id === undefined ? cause : { ...cause, example: { ...cause.example, id } };
      }),
    );
  }

  async #readItemId(folder: RunFolder, index: number): Promise<string | undefined> {
    const key = `${folder.manifest.run} ${index}`;
    const cached = this.#itemIds.get(key);
    if (cached !== undefined) return cached;
    const item = await this.#deps.itemReader.readItem(folder, index).catch(() => undefined);
    if (item) this.#itemIds.set(key, item.id);
    return item?.id;
  }
}

function sumCounts(causes: readonly FailureCauseView[]): number {
  return causes.reduce((sum, { count }) => sum + count, 0);
}

function toFailureCauseView({ cause, kind, code, pattern, count, example }: FailureCause): FailureCauseView {
  const isCatchAll = isOtherCause(cause);
  return {
    cause,
    kind,
    code: isCatchAll ? undefined : code,
    message: isCatchAll ? "" : pattern,
    isCatchAll: isCatchAll ? true : undefined,
    count,
    example: { index: example.item, message: example.message, providerMessage: example.providerMessage },
  };
}

function countFailures({ dir }: RunFolder): FailureCauseView[] {
  using reader = new RunReader(dir);
  const counter = new FailureCauseCounter();
  for (const { index, count, ...failure } of listFailureGroups(reader.database)) counter.add(index, failure, count);
  return counter.list().map(toFailureCauseView);
}
