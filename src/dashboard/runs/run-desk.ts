import { FailureClusters as ClusterCounter, isOther } from "../../core/failure-clusters.ts";
import { readCallNote } from "../../producer/sink/call-notes.ts";
import { SLOT_FAILED } from "../../producer/sink/ledger.ts";
import { readClusters, readJournal } from "../../queue/run-journal.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type {
  FailureCluster,
  FailureClusters,
  ItemStory,
  RevealedItem,
  RunList,
  RunPage,
} from "../contract.ts";
import { HttpError } from "../http-error.ts";
import type { RedisGate } from "../look/redis-gate.ts";
import type { Look, Sampler } from "../look/sampler.ts";
import { describeRun, phaseOf } from "./describe-run.ts";
import { describeRunPage } from "./describe-run-page.ts";
import type { FoundItem } from "./found-item.ts";
import type { WantedCluster } from "./in-cluster.ts";
import { describeItem, readAnswer, revealItem } from "./item-story.ts";
import type { RetryProcesses } from "./retry-processes.ts";
import type { KnownRun, RunBook } from "./run-book.ts";
import { findRunFolder, type RunFolder, requireRunFolder } from "./run-folder.ts";
import { readItem } from "./run-items.ts";
import { StoredRecords } from "./stored-records.ts";

export interface RunDeskDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly gate: RedisGate;
  readonly sampler: Sampler;
  readonly book: RunBook;
  readonly retries: RetryProcesses;
}

export interface RunListQuery {
  readonly offset: number;
  readonly limit: number;
  readonly state?: string | undefined;
  readonly text: string;
}

const SHOWN_CLUSTERS = 100;
/** Examples whose ids are looked up in the plan, the largest clusters first. */
const NAMED_EXAMPLES = 20;
const REMEMBERED_IDS = 5_000;
const SLOTS_PER_READ = 16_384;
const REMEMBERED_COUNTS = 50;
/** Failures that are counted anew from the folder when Redis has forgotten the run's clusters. */
const COUNTED_AGAIN = 50_000;

/** What pages ask about runs, answered from the book, from Redis and from the run's folder. */
export class RunDesk {
  readonly deps: RunDeskDeps;
  readonly #ids = new Map<string, string>();
  readonly #counted = new Map<string, { version: string; clusters: Promise<FailureCluster[]> }>();

  constructor(deps: RunDeskDeps) {
    this.deps = deps;
  }

  async list(query: RunListQuery): Promise<RunList> {
    return this.listOf(await this.deps.sampler.look(), query);
  }

  /** The list as it was at a look. Pure. */
  listOf({ at, runs }: Pick<Look, "at" | "runs">, { offset, limit, state, text }: RunListQuery): RunList {
    const wanted = text.toLowerCase();
    const fits = runs.filter(
      (known) =>
        (state === undefined || phaseOf(known) === state) &&
        (wanted === "" ||
          [known.run, known.model, known.dir].some((value) => value?.toLowerCase().includes(wanted))),
    );
    return { at, runs: fits.slice(offset, offset + limit).map(describeRun), total: fits.length, offset };
  }

  /** Throws an HttpError for a run that Redis does not list. */
  async require(run: string): Promise<KnownRun> {
    const { gate, book } = this.deps;
    const known = await gate.ask(() => book.refresh(run));
    if (known) return known;
    throw new HttpError("unknown-run", "Redis knows no such run.", {
      hint: "Runs are forgotten a week after their last sign of life; their folders stay.",
    });
  }

  async requireFolder(run: string): Promise<RunFolder> {
    return await requireRunFolder(await this.require(run));
  }

  async page(run: string): Promise<RunPage> {
    const { sampler } = this.deps;
    const [known, look] = await Promise.all([this.require(run), sampler.look()]);
    return await this.describe(known, look.at);
  }

  /** The page of a run that was read a moment ago. */
  async describe(known: KnownRun, at: number): Promise<RunPage> {
    const found = await findRunFolder(known);
    const lanes = this.deps.sampler.latest?.lanes ?? [];
    return describeRunPage({ at, known, found, lanes, retry: this.deps.retries.status(known.run) });
  }

  async clusters(run: string): Promise<FailureClusters> {
    const known = await this.require(run);
    const counted = await this.#countedClusters(known);
    const shown = counted.slice(0, SHOWN_CLUSTERS);
    const sum = (some: readonly FailureCluster[]) => some.reduce((all, { count }) => all + count, 0);
    return {
      at: Date.now(),
      clusters: await this.#nameExamples(known, shown),
      others: sum(counted.slice(SHOWN_CLUSTERS)),
      total: sum(counted),
    };
  }

  /** A cluster by its name; throws an HttpError when the run has none of this name. */
  async requireCluster(run: string, cluster: string): Promise<WantedCluster> {
    const counted = await this.#countedClusters(await this.require(run));
    const causes = new Set(counted.map((one) => one.cluster));
    if (causes.has(cluster)) return { cluster, causes };
    throw new HttpError("unknown-cluster", "This run has no failed items of this cause.");
  }

  async #countedClusters(known: KnownRun): Promise<readonly FailureCluster[]> {
    const { client, keys, gate } = this.deps;
    const clusters = (await gate.ask(() => readClusters(client, keys, known.run))).map(toView);
    return clusters.length > 0 ? clusters : await this.#countAgain(known);
  }

  /** Redis forgets clusters with their run; the ledger on disk does not, and is read once for each of its states. */
  async #countAgain(known: KnownRun): Promise<FailureCluster[]> {
    const found = await findRunFolder(known);
    if (!found.here || found.folder.spool === undefined) return [];
    const { run, items, state, activeMs } = found.folder.manifest;
    if (items.failed === 0) return [];
    const version = `${state} ${items.failed} ${activeMs}`;
    const before = this.#counted.get(run);
    if (before?.version === version) return await before.clusters;
    const clusters = countFailures(found.folder);
    this.#counted.delete(run);
    this.#counted.set(run, { version, clusters });
    clusters.catch(() => this.#counted.delete(run));
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > REMEMBERED_COUNTS && oldest !== undefined) this.#counted.delete(oldest);
    return await clusters;
  }

  async story(run: string, index: number): Promise<ItemStory> {
    const { client, keys, gate } = this.deps;
    const { folder, item } = await this.requireItem(run, index);
    const [failed, answered, answer] = await Promise.all([
      gate.ask(() => readJournal(client, keys, run, index)),
      readCallNote(folder.dir, index),
      readAnswer(folder, item),
    ]);
    const { model } = folder.manifest;
    return describeItem(item, answer, { failed, answered }, { at: Date.now(), run, model });
  }

  async reveal(run: string, index: number): Promise<RevealedItem> {
    const { folder, item } = await this.requireItem(run, index);
    return revealItem(item, await readAnswer(folder, item));
  }

  async requireItem(
    run: string,
    index: number,
  ): Promise<{ readonly folder: RunFolder; readonly item: FoundItem }> {
    const folder = await this.requireFolder(run);
    const item = await readItem(folder, index);
    if (item) return { folder, item };
    const { total } = folder.manifest.items;
    throw new HttpError("unknown-item", `The run has items 0 to ${total - 1}, and none at ${index}.`);
  }

  /** The ids of examples, where the run's folder is at hand. */
  async #nameExamples(
    known: KnownRun,
    clusters: readonly FailureCluster[],
  ): Promise<readonly FailureCluster[]> {
    const found = await findRunFolder(known);
    if (!found.here) return clusters;
    const { folder } = found;
    return await Promise.all(
      clusters.map(async (cluster, i) => {
        const id = i < NAMED_EXAMPLES ? await this.#idOf(folder, cluster.example.index) : undefined;
        return id === undefined ? cluster : { ...cluster, example: { ...cluster.example, id } };
      }),
    );
  }

  /** The id of an item never changes, so what was read once is kept. */
  async #idOf(folder: RunFolder, index: number): Promise<string | undefined> {
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

interface CountedCluster {
  readonly cause: string;
  readonly kind: string;
  readonly code?: string;
  readonly pattern: string;
  readonly count: number;
  readonly example: { readonly item: number; readonly message: string };
}

function toView({ cause, kind, code, pattern, count, example }: CountedCluster): FailureCluster {
  return {
    cluster: cause,
    kind,
    ...(isOther(cause) ? { message: "", rest: true } : { code, message: pattern }),
    count,
    example: { index: example.item, message: example.message },
  };
}

/** Of a run with very many failures, the first ones. */
async function countFailures({ dir, manifest }: RunFolder): Promise<FailureCluster[]> {
  const counter = new ClusterCounter();
  let counted = 0;
  await using records = new StoredRecords(dir);
  for (let start = 0; start < manifest.items.total && counted < COUNTED_AGAIN; start += SLOTS_PER_READ) {
    for (const slot of await records.slots(start, Math.min(SLOTS_PER_READ, manifest.items.total - start))) {
      const failure = slot?.status === SLOT_FAILED ? await records.failure(slot) : undefined;
      if (!slot || !failure) continue;
      counter.add(slot.index, failure);
      counted += 1;
    }
  }
  return counter.list().map(toView);
}
