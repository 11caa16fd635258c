import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createEmbeddingJobs } from "#src/producer/run-kinds/embedding/embedding-jobs.ts";
import { Coordinator } from "#src/producer/runs/coordinator.ts";
import { RunQueues } from "#src/producer/runs/feeding/run-queues.ts";
import { acquireLease } from "#src/producer/runs/lease.ts";
import { type FindOffPeak, OffPeakHold } from "#src/producer/runs/off-peak-hold.ts";
import type { CoordinatorEvent, RunTick } from "#src/producer/runs/run-environment.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { EmbeddingModel } from "#src/providers/provider.ts";
import { queueName } from "#src/queues/names.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { type RejectionRetry, retryRejected } from "#src/redis/write-rejection.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { type RunCounter, RunLedger } from "#src/state/runs/run-ledger.ts";
import { startWorker, type WorkerHost, type WorkerOptions } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { DIMENSIONS } from "#test/support/fakes/fake-embedding.ts";
import type { TestRedis } from "#test/support/redis/redis.ts";
import { openPlannedStore } from "./planned-run.ts";

const VECTORS = { layout: "flat", dimensions: DIMENSIONS } as const;

export function makeItems(count: number, text: (index: number) => string = (i) => `text number ${i}`): Item[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    id: `id-${index}`,
    text: text(index),
    tokens: Math.ceil(text(index).length / 4),
  }));
}

async function* readFrom(items: readonly Item[], from: number): AsyncIterable<readonly Item[]> {
  for (let at = from; at < items.length; at += 100) yield items.slice(at, at + 100);
}

export interface InProcessHarness {
  readonly dir: string;
  readonly keys: ReturnType<typeof createKeys>;
  worker(
    model: EmbeddingModel | ((name: string) => EmbeddingModel),
    options?: Partial<WorkerOptions>,
    limits?: LaneLimits,
  ): WorkerHost;
  coordinate(
    items: readonly Item[],
    options?: {
      runId?: string;
      windowSize?: number;
      signal?: AbortSignal;
      onTick?: (tick: RunTick) => Promise<void>;
      /** Subfolder of the record store. Concurrent runs need different ones. */
      folder?: string;
      model?: string;
      /** Called with the record of the run in Redis; returns the one that the coordinator uses. */
      wrapControl?: (control: RunControl) => RunControl;
      /** Commands that Redis rejects are retried until it aborts, or until the run fails. */
      retry?: RejectionRetry;
      checkFolder?: () => Promise<void>;
      clock?: Clock;
      findOffPeak?: FindOffPeak;
      notify?: (message: string) => void;
      /** Whose run it is; by default the operator's own. */
      tenant?: TenantShare;
    },
  ): Promise<{ events: CoordinatorEvent[] }>;
  ledger(runId: string): RunLedger;
  /** The counters of a run in Redis. Throws if Redis does not have them. */
  counters(runId: string): Promise<Record<RunCounter, number>>;
  store(items: number): Promise<RunStore>;
  close(): Promise<void>;
}

/**
 * Runs coordinators and workers in this process, with the test's Redis and a temporary folder. `url`: a proxy in front of
 * that Redis.
 */
export async function openInProcessHarness(redis: TestRedis, url = redis.url): Promise<InProcessHarness> {
  const source = openRedis(parseRedisUrl(url));
  const keys = createKeys(redis.namespace);
  const dir = await mkdtemp(join(tmpdir(), "sluice-run-"));
  const client = source.connect("commands");
  const limiter = createRedisLimiter(client, keys);
  const hosts: WorkerHost[] = [];
  const opened: RunQueues[] = [];
  const openQueues = (tenant?: TenantShare) => {
    const created = new RunQueues(source, keys, [queueName("fake", "embedding")], { tenant });
    opened.push(created);
    return created;
  };
  const queues = openQueues();

  return {
    dir,
    keys,
    worker(model, options = {}, limits = { concurrency: 8 }) {
      const host = startWorker({
        redis: source,
        keys,
        limiter,
        capabilities: [{ provider: "fake", kind: "embedding" }],
        chatLanes: () => [],
        embeddingLanes: (provider, name) => [
          { lane: { provider, account: "default", model: name }, limits, model: resolveModel(model, name) },
        ],
        version: "test",
        log: silentLog,
        options: { graceMs: 5_000, ...options },
      });
      hosts.push(host);
      return host;
    },
    async coordinate(
      items,
      {
        runId = "run",
        windowSize = 200,
        signal,
        onTick,
        folder = "",
        model = "m",
        wrapControl,
        retry,
        checkFolder,
        clock = systemClock,
        findOffPeak,
        notify = () => undefined,
        tenant,
      } = {},
    ) {
      const control = new RunControl(client, keys, runId);
      const failure = new AbortController();
      const usedControl = wrapControl?.(control) ?? control;
      const lease = await acquireLease(control, systemClock, {
        onWait: () => undefined,
        signal: signal ?? new AbortController().signal,
      });
      const store = await openPlannedStore(join(dir, folder), items.length, { vectors: VECTORS });
      const events: CoordinatorEvent[] = [];
      const hold = new OffPeakHold({ findOffPeak, clock, control: usedControl, notify });
      try {
        await hold.update();
        await new Coordinator({
          control: retry ? retryRejected(usedControl, retry.until(failure.signal)) : usedControl,
          hold,
          failure,
          checkFolder,
          lease,
          queues: tenant ? openQueues(tenant) : queues,
          blocking: source.connect("blocking"),
          store,
          clock,
          readItems: (from) => readFrom(items, from),
          jobs: createEmbeddingJobs({ run: runId, provider: "fake", model, purpose: "db" }, 10),
          windowSize,
          counters: () => ({}),
          onTick: onTick ?? (async () => undefined),
          onEvent: (event) => events.push(event),
          signal: signal ?? new AbortController().signal,
        }).run();
      } finally {
        await store.close();
        await lease.release();
      }
      return { events };
    },
    ledger: (runId) => new RunLedger(client, keys.run(runId)),
    async counters(runId) {
      const counters = await new RunLedger(client, keys.run(runId)).readCounters();
      if (!counters) throw new Error(`Redis has no counters of ${runId}`);
      return counters;
    },
    store: (items) => openPlannedStore(dir, items, { vectors: VECTORS }),
    async close() {
      await Promise.all(hosts.map((host) => host.stop()));
      await Promise.all(opened.map((each) => each.close()));
      await source.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function resolveModel(model: EmbeddingModel | ((name: string) => EmbeddingModel), name: string): EmbeddingModel {
  return typeof model === "function" ? model(name) : model;
}
