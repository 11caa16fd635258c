import { FailureCauseCounter, isOtherCause } from "#src/core/failure-cause-counter.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { FailureCauseList, FailureCauseView } from "#src/dashboard/items/cause-api.ts";
import type { CauseFilter } from "#src/dashboard/items/cause-filter.ts";
import type { ItemHistory, RevealedItem } from "#src/dashboard/items/item-api.ts";
import { describeItemHistory, readAnswer, revealItem } from "#src/dashboard/items/item-history.ts";
import { readItem } from "#src/dashboard/items/run-items.ts";
import type { StoredItem } from "#src/dashboard/items/stored-item.ts";
import { StoredRecords } from "#src/dashboard/items/stored-records.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
import type { SnapshotSampler, SystemSnapshot } from "#src/dashboard/snapshot/snapshot-sampler.ts";
import { readCallTiming } from "#src/producer/storage/call-timings.ts";
import { SLOT_FAILED } from "#src/producer/storage/ledger.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readFailureCauses, readJournal } from "#src/state/runs/run-journal.ts";
import { describeRun, getRunPhase } from "./describe-run.ts";
import { describeRunPage } from "./describe-run-page.ts";
import type { RetryProcesses } from "./retry-processes.ts";
import type { RunList, RunPage } from "./run-api.ts";
import type { RunCache, RunInfo } from "./run-cache.ts";
import { findRunFolder, type RunFolder, requireRunFolder } from "./run-folder.ts";

export interface RunServiceDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly sampler: SnapshotSampler;
  readonly runCache: RunCache;
  readonly retries: RetryProcesses;
}

export interface RunListQuery {
  readonly offset: number;
  readonly limit: number;
  readonly state?: string | undefined;
  readonly text: string;
}

const MAX_CAUSES_SHOWN = 100;
/** Examples whose ids are looked up in the plan, the largest clusters first. */
const NAMED_EXAMPLES = 20;
const REMEMBERED_IDS = 5_000;
const SLOTS_PER_READ = 16_384;
const REMEMBERED_COUNTS = 50;
/** Failures that are counted anew from the folder when Redis has forgotten the run's clusters. */
const MAX_RECOUNTED = 50_000;

/** What pages ask about runs, answered from the book, from Redis and from the run's folder. */
export class RunService {
  readonly deps: RunServiceDeps;
  readonly #ids = new Map<string, string>();
  readonly #counted = new Map<string, { version: string; causes: Promise<FailureCauseView[]> }>();

  constructor(deps: RunServiceDeps) {
    this.deps = deps;
  }

  async list(query: RunListQuery): Promise<RunList> {
    return this.filterRuns(await this.deps.sampler.readSnapshot(), query);
  }

  /** The list as it was at a look. Pure. */
  filterRuns({ at, runs }: Pick<SystemSnapshot, "at" | "runs">, { offset, limit, state, text }: RunListQuery): RunList {
    const needle = text.toLowerCase();
    const matches = runs.filter(
      (known) =>
        (state === undefined || getRunPhase(known) === state) &&
        (needle === "" || [known.run, known.model, known.dir].some((value) => value?.toLowerCase().includes(needle))),
    );
    return {
      at,
      runs: matches.slice(offset, offset + limit).map(describeRun),
      total: matches.length,
      offset,
    };
  }

  /** Throws an HttpError for a run that Redis does not list. */
  async requireRun(run: string): Promise<RunInfo> {
    const { breaker, runCache } = this.deps;
    const known = await breaker.run(() => runCache.refresh(run));
    if (known) return known;
    throw new HttpError("unknown-run", "Redis knows no such run.", {
      hint: "Runs are forgotten a week after their last sign of life; their folders stay.",
    });
  }

  async requireFolder(run: string): Promise<RunFolder> {
    return await requireRunFolder(await this.requireRun(run));
  }

  async page(run: string): Promise<RunPage> {
    const { sampler } = this.deps;
    const [known, snapshot] = await Promise.all([this.requireRun(run), sampler.readSnapshot()]);
    return await this.describe(known, snapshot.at);
  }

  /** The page of a run that was read a moment ago. */
  async describe(known: RunInfo, at: number): Promise<RunPage> {
    const found = await findRunFolder(known);
    const lanes = this.deps.sampler.latest?.lanes ?? [];
    return describeRunPage({ at, known, found, lanes, retry: this.deps.retries.status(known.run) });
  }

  async causes(run: string): Promise<FailureCauseList> {
    const known = await this.requireRun(run);
    const counted = await this.#countCauses(known);
    const shown = counted.slice(0, MAX_CAUSES_SHOWN);
    const sum = (some: readonly FailureCauseView[]) => some.reduce((all, { count }) => all + count, 0);
    return {
      at: Date.now(),
      causes: await this.#nameExamples(known, shown),
      others: sum(counted.slice(MAX_CAUSES_SHOWN)),
      total: sum(counted),
    };
  }

  /** A cluster by its name; throws an HttpError when the run has none of this name. */
  async requireCause(run: string, cause: string): Promise<CauseFilter> {
    const counted = await this.#countCauses(await this.requireRun(run));
    const causes = new Set(counted.map((one) => one.cause));
    if (causes.has(cause)) return { cause, causes };
    throw new HttpError("unknown-cause", "This run has no failed items of this cause.");
  }

  async #countCauses(known: RunInfo): Promise<readonly FailureCauseView[]> {
    const { client, keys, breaker } = this.deps;
    const causes = (await breaker.run(() => readFailureCauses(client, keys, known.run))).map(toFailureCauseView);
    return causes.length > 0 ? causes : await this.#recountFromFolder(known);
  }

  /** Redis forgets clusters with their run; the ledger on disk does not, and is read once for each of its states. */
  async #recountFromFolder(known: RunInfo): Promise<FailureCauseView[]> {
    const found = await findRunFolder(known);
    if (!found.isReadable || found.folder.itemsFile === undefined) return [];
    const { run, items, state, activeMs } = found.folder.manifest;
    if (items.failed === 0) return [];
    const version = `${state} ${items.failed} ${activeMs}`;
    const before = this.#counted.get(run);
    if (before?.version === version) return await before.causes;
    const causes = countFailures(found.folder);
    this.#counted.delete(run);
    this.#counted.set(run, { version, causes });
    causes.catch(() => this.#counted.delete(run));
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > REMEMBERED_COUNTS && oldest !== undefined) this.#counted.delete(oldest);
    return await causes;
  }

  async getItemHistory(run: string, index: number): Promise<ItemHistory> {
    const { client, keys, breaker } = this.deps;
    const { folder, item } = await this.requireItem(run, index);
    const [failed, answered, answer] = await Promise.all([
      breaker.run(() => readJournal(client, keys, run, index)),
      readCallTiming(folder.dir, index),
      readAnswer(folder, item),
    ]);
    const { model } = folder.manifest;
    return describeItemHistory(item, answer, { failed, answered }, { at: Date.now(), run, model });
  }

  async reveal(run: string, index: number): Promise<RevealedItem> {
    const { folder, item } = await this.requireItem(run, index);
    return revealItem(item, await readAnswer(folder, item));
  }

  async requireItem(run: string, index: number): Promise<{ readonly folder: RunFolder; readonly item: StoredItem }> {
    const folder = await this.requireFolder(run);
    const item = await readItem(folder, index);
    if (item) return { folder, item };
    const { total } = folder.manifest.items;
    throw new HttpError("unknown-item", `The run has items 0 to ${total - 1}, and none at ${index}.`);
  }

  /** The ids of examples, where the run's folder is at hand. */
  async #nameExamples(known: RunInfo, causes: readonly FailureCauseView[]): Promise<readonly FailureCauseView[]> {
    const found = await findRunFolder(known);
    if (!found.isReadable) return causes;
    const { folder } = found;
    return await Promise.all(
      causes.map(async (cause, i) => {
        const id = i < NAMED_EXAMPLES ? await this.#readItemId(folder, cause.example.index) : undefined;
        return id === undefined ? cause : { ...cause, example: { ...cause.example, id } };
      }),
    );
  }

  /** The id of an item never changes, so what was read once is kept. */
  async #readItemId(folder: RunFolder, index: number): Promise<string | undefined> {
    const key = `${folder.manifest.run} ${index}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = await readItem(folder, index).then(
      (item) => item?.id,
      () => undefined,
    );
    if (id !== undefined) this.#ids.set(key, id);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > REMEMBERED_IDS && oldest !== undefined) this.#ids.delete(oldest);
    return id;
  }
}

interface CountedCause {
  readonly cause: string;
  readonly kind: string;
  readonly code?: string;
  readonly pattern: string;
  readonly count: number;
  readonly example: { readonly item: number; readonly message: string };
}

function toFailureCauseView({ cause, kind, code, pattern, count, example }: CountedCause): FailureCauseView {
  return {
    cause: cause,
    kind,
    ...(isOtherCause(cause) ? { message: "", isCatchAll: true } : { code, message: pattern }),
    count,
    example: { index: example.item, message: example.message },
  };
}

/** Of a run with very many failures, the first ones. */
async function countFailures({ dir, manifest }: RunFolder): Promise<FailureCauseView[]> {
  const counter = new FailureCauseCounter();
  let counted = 0;
  await using records = new StoredRecords(dir);
  for (let start = 0; start < manifest.items.total && counted < MAX_RECOUNTED; start += SLOTS_PER_READ) {
    for (const slot of await records.slots(start, Math.min(SLOTS_PER_READ, manifest.items.total - start))) {
      const failure = slot?.status === SLOT_FAILED ? await records.failure(slot) : undefined;
      if (!slot || !failure) continue;
      counter.add(slot.index, failure);
      counted += 1;
    }
  }
  return counter.list().map(toFailureCauseView);
}
