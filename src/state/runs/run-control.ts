import * as z from "zod";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys, RunKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { parseStoredNumber, reportMalformed } from "#src/redis/stored-json.ts";
import { decodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";
import { RUN_TTL_MS, type RunCounters } from "./run-ledger.ts";
import {
  decideTransition,
  parseRunState,
  type RunState,
  type RunTransition,
  type TransitionDecision,
} from "./run-transitions.ts";

const openReply = z.tuple([z.literal([0, 1]), z.int(), z.literal([0, 1])]);
const feedReply = z.enum(["ok", "taken", "lost"]);

const openScript = defineScript(new URL("lua/open-run.lua", import.meta.url), {
  keys: ["meta", "done", "jobs", "stats", "scratch"],
  args: ["items", "durable", "ttlMs"],
  parse: (reply) => {
    const [created, cursor, lostCounts] = openReply.parse(reply);
    return { created: created === 1, cursor, hasLostCounts: lostCounts === 1 };
  },
});

const feedScript = defineScript(new URL("lua/feed.lua", import.meta.url), {
  keys: ["meta", "jobs", "lease"],
  args: ["token", "cursor"],
  parse: (reply) => feedReply.parse(reply),
});

const reopenScript = defineScript(new URL("lua/reopen-items.lua", import.meta.url), {
  keys: ["done", "lease"],
  args: ["token"],
  parse: (reply) => Number(reply),
});

const trimScript = defineScript(new URL("lua/trim-results.lua", import.meta.url), {
  keys: ["results", "jobs", "lease"],
  args: ["token", "minId"],
  parse: (reply) => reply === 1,
});

const leaseScript = defineScript(new URL("lua/acquire-lease.lua", import.meta.url), {
  keys: ["lease"],
  args: ["token", "ttlMs"],
  parse: (reply) => String(reply),
});

const releaseScript = defineScript(new URL("lua/release-lease.lua", import.meta.url), {
  keys: ["lease"],
  args: ["token"],
  parse: () => undefined,
});

const changeStateScript = defineScript(new URL("lua/change-state.lua", import.meta.url), {
  keys: ["meta"],
  args: ["state"],
  parse: (reply) => parseRunState(String(reply)),
});

/** A job whose records are not all collected: items `first` to `last`, queued `generation` times before. */
export interface OutstandingJob {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  readonly generation: number;
}

export interface ResultEntry {
  /** Id in the results stream. */
  readonly id: string;
  readonly records: readonly WireRecord[];
}

export interface RequestedTransition {
  readonly decision: TransitionDecision;
  /** The state before. */
  readonly before: RunState | undefined;
  readonly hasCoordinator: boolean;
}

/** The coordinator's interface to a run in Redis: lease, open, feed, collect, trim and finish. */
export class RunControl {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #run: RunKeys;
  readonly runId: string;

  constructor(client: RedisClient, keys: Keys, runId: string) {
    this.#client = client;
    this.#keys = keys;
    this.#run = keys.run(runId);
    this.runId = runId;
  }

  /**
   * Acquires or renews the lease. Resolves with undefined if the caller holds it now, else with the holder's token. At
   * most one coordinator feeds and collects a run; the lease expires when its holder dies.
   */
  async acquireLease(token: string, ttlMs: number): Promise<string | undefined> {
    const holder = await leaseScript.run(this.#client, this.#run, { token, ttlMs });
    return holder === token ? undefined : holder;
  }

  /** Deletes the lease of a coordinator that is known to be dead. */
  async breakLease(holder: string): Promise<void> {
    await releaseScript.run(this.#client, this.#run, { token: holder });
  }

  async releaseLease(token: string): Promise<void> {
    await releaseScript.run(this.#client, this.#run, { token });
  }

  /**
   * Opens the run: creates its state in Redis, or continues with the existing one. `durable` is a bitmap of the items
   * whose records are on disk. `created`: Redis did not have the run, so all items that are not durable must be fed.
   * `hasLostCounts`: Redis did not have its counters; those given were added to what was counted since.
   */
  open(
    items: number,
    durable: Buffer,
    counters: RunCounters,
  ): Promise<{ readonly created: boolean; readonly cursor: number; readonly hasLostCounts: boolean }> {
    return openScript.run(
      this.#client,
      { ...this.#run, scratch: `${this.#run.done}:scratch` },
      { items, durable, ttlMs: RUN_TTL_MS },
      Object.entries(omitUndefined(counters)).flat(),
    );
  }

  async outstandingJobs(): Promise<OutstandingJob[]> {
    const jobs = await this.#client.hgetall(this.#run.jobs);
    return Object.entries(jobs)
      .flatMap(([id, text]) => {
        const [first, last, generation] = text.split(",").map(parseStoredNumber);
        if (first !== undefined && last !== undefined && generation !== undefined) {
          return [{ id, first, last, generation }];
        }
        reportMalformed(this.#client, `${this.#run.jobs} ${id}`);
        return [];
      })
      .sort((a, b) => a.first - b.first);
  }

  /**
   * Records jobs as outstanding before they are queued. `taken`: another coordinator has the lease, and the caller must
   * stop. `lost`: Redis has lost the run or its lease; acquire the lease and open the run again.
   */
  feed(token: string, cursor: number, jobs: readonly OutstandingJob[]): Promise<"ok" | "taken" | "lost"> {
    return feedScript.run(
      this.#client,
      this.#run,
      { token, cursor },
      jobs.flatMap(({ id, first, last, generation }) => [id, `${first},${last},${generation}`]),
    );
  }

  /**
   * Reads up to `count` entries after the stream id `after`, waiting up to `blockMs` for the first. `blocking` must not
   * be used for other commands. Throws a FrameError for an entry that this version cannot decode.
   */
  async readResults(blocking: RedisClient, after: string, count: number, blockMs: number): Promise<ResultEntry[]> {
    // Hot path: XREAD's reply has a fixed shape, and `decodeRecords` checks the frames.
    const reply = (await blocking.xreadBuffer("COUNT", count, "BLOCK", blockMs, "STREAMS", this.#run.results, after)) as
      | [Buffer, [Buffer, Buffer[]][]][]
      | null;
    const entries = reply?.[0]?.[1] ?? [];
    return entries.map(([id, fields]) => ({
      id: id.toString("latin1"),
      records: decodeRecords(fields[1] ?? Buffer.alloc(0)).records,
    }));
  }

  /**
   * Deletes results up to and including `upTo` (none if undefined), which must be durable on disk, and the entries of
   * outstanding jobs that have finished. False: another coordinator has the lease.
   */
  trimResults(token: string, upTo: string | undefined, finishedJobs: readonly string[] = []): Promise<boolean> {
    const [ms, sequence] = upTo?.split("-") ?? [];
    const minId = ms === undefined ? "" : `${ms}-${BigInt(sequence ?? 0) + 1n}`;
    return trimScript.run(this.#client, this.#run, { token, minId }, finishedJobs);
  }

  /** Clears the done marks of items whose records are lost. Resolves with the number of items that were marked. */
  reopenItems(token: string, items: readonly number[]): Promise<number> {
    return reopenScript.run(this.#client, this.#run, { token }, items);
  }

  async state(): Promise<RunState | undefined> {
    return parseRunState(await this.#client.hget(this.#run.meta, "state"));
  }

  /** Window in items, as set by the coordinator or changed since by a user; undefined if not set. */
  async window(): Promise<number | undefined> {
    const items = parseStoredNumber(await this.#client.hget(this.#run.meta, "window"));
    return items !== undefined && Number.isSafeInteger(items) && items > 0 ? items : undefined;
  }

  /**
   * Changes the state if `decideTransition` allows it. Workers and the coordinator notice within seconds. Decides again
   * if another process changes the state in between. `isAlive` tells whether the process with a lease token still lives.
   */
  async requestTransition(
    transition: RunTransition,
    isAlive: (token: string) => boolean = () => true,
  ): Promise<RequestedTransition> {
    for (;;) {
      const [before, token] = await Promise.all([this.state(), this.coordinator()]);
      const hasCoordinator = token !== undefined && isAlive(token);
      const decision = decideTransition(transition, { state: before, hasCoordinator }, this.runId);
      if (decision.outcome === "change") {
        const { state } = decision;
        if (before === undefined) await this.updateMeta({ state });
        else if ((await changeStateScript.run(this.#client, this.#run, { state }, [before])) !== before) continue;
      }
      return { decision, before, hasCoordinator };
    }
  }

  /** The lease token of the run's coordinator; undefined if it has none. */
  async coordinator(): Promise<string | undefined> {
    return (await this.#client.get(this.#run.lease)) ?? undefined;
  }

  /** Sets fields that `sluice runs` shows: model, folder, progress. They must not contain item texts or secrets. */
  async updateMeta(fields: Readonly<Record<string, string | number>>): Promise<void> {
    const written = this.#client.hset(this.#run.meta, fields);
    await Promise.all([written, this.#client.pexpire(this.#run.meta, RUN_TTL_MS)]);
  }

  /** Extends the TTL of the run's keys. `now`: epoch ms. */
  async keepAlive(now: number): Promise<void> {
    const pipeline = this.#client.pipeline();
    const { meta, done, jobs, stats, results, requests } = this.#run;
    for (const key of [meta, done, jobs, stats, results, requests]) {
      pipeline.pexpire(key, RUN_TTL_MS);
    }
    pipeline.hset(this.#run.meta, "seenAt", now);
    await pipeline.exec();
  }

  /** Name and note, as set by the coordinator or changed since by a user; undefined if Redis does not have them. */
  async readLabel(): Promise<{ readonly name?: string; readonly note?: string }> {
    const [name, note] = await this.#client.hmget(this.#run.meta, "name", "note");
    return omitUndefined({ name: name ?? undefined, note: note ?? undefined });
  }

  /** Changes name and note if Redis has a description of the run. */
  async updateLabel(label: Readonly<Record<string, string>>): Promise<void> {
    if ((await this.#client.exists(this.#run.meta)) === 1) await this.updateMeta(label);
  }

  /** Deletes everything that Redis stores about the run. Only the lease holder may call it. */
  async remove(): Promise<void> {
    await this.#client.del(...Object.values({ ...this.#run }));
    await this.#client.zrem(this.#keys.runs, this.runId);
  }

  async register(createdAt: number): Promise<void> {
    await this.#client.zadd(this.#keys.runs, "NX", createdAt, this.runId);
  }

  /**
   * Deletes the state of the run's items, so that the next `open` feeds all items without a record on disk. Only the
   * lease holder may call it, after all results in Redis are on disk.
   */
  async resetItems(): Promise<void> {
    const { meta, done, results, attempts, claims, jobs, requests } = this.#run;
    await this.#client.del(meta, done, results, attempts, claims, jobs, requests);
  }

  /** Marks the run as done and deletes everything but its description for lists, which expires. */
  async finish(): Promise<void> {
    const { done, results, attempts, claims, jobs, requests } = this.#run;
    await this.#client.hset(this.#run.meta, "state", "done");
    await this.#client.del(done, results, attempts, claims, jobs, requests);
    await this.#client.pexpire(this.#run.meta, RUN_TTL_MS);
  }
}
