import { formatLane, type Lane } from "#src/core/lane.ts";

/**
 * Format of everything Sluice stores in Redis: key names, the fields of hashes and streams, BullMQ job payloads, and the
 * arguments and replies of the Lua scripts. Every key contains it (`sluice:v2:{run:ID}:meta`), so that processes of
 * different formats never read each other's state.
 *
 * Raise it when a process of the previous version would misread what this version writes, or the other way round: a
 * renamed key or field, another encoding, another meaning of a value. Don't raise it for an added key, or for an added
 * field that both versions may ignore. After a raise, Redis looks empty: runs resume from their work folders, but manual
 * limits, results of standalone items, telemetry and the audit log of the previous format are not found any more.
 */
export const KEY_FORMAT = 2;

/**
 * Keys of one run. This file is the only place that spells Redis keys. All keys of one script share one hash tag, so
 * that the scripts work on a Redis Cluster; runs, lanes and queues may live on different shards. Names from outside
 * (lanes, runs, items) are percent-encoded, so that they cannot end a tag or collide with another key.
 */
export interface RunKeys {
  /** Hash: state, items, cursor, model, dir, host, ... */
  readonly meta: string;
  /** Bitmap: item index -> the item's record is committed. */
  readonly done: string;
  /** Stream of committed records, trimmed when they are durable on disk. */
  readonly results: string;
  /** Hash: item index -> failed attempts so far. */
  readonly attempts: string;
  /** Hash: job id (or job id + item) -> claims that were not released. */
  readonly claims: string;
  /** Hash: job id -> "first,last,generation" of each outstanding job. */
  readonly jobs: string;
  /** Hash of counters. */
  readonly stats: string;
  /** Hash: item index -> request that is too large for its job. */
  readonly requests: string;
  /** String: token of the coordinator. */
  readonly lease: string;
  /** String: progress of the run as its coordinator last published it (JSON). */
  readonly snapshot: string;
  /** Stream of failed attempts. */
  readonly journal: string;
  /** Hash: failure cause -> number of records that failed of it, with an example (JSON). */
  readonly causes: string;
}

export interface LaneKeys {
  /** Sorted set: reservation -> latest possible arrival at the provider, epoch ms. */
  readonly window: string;
  /** Hash: reservation -> tokens. */
  readonly costs: string;
  /** Sorted set of the calls in flight: reservation -> end of its lease, epoch ms. */
  readonly flight: string;
  /** Sorted set of the last second: reservation -> when it was granted, epoch ms. */
  readonly recent: string;
  /** Hash: requests and tokens of the last hour and day, in steps of 1/120 of the window. */
  readonly long: string;
  /** Hash: snooze, park, learned and manual limits, fault streak. */
  readonly state: string;
}

/** A standalone item: submitted without a run, and readable by any process. */
export interface ItemKeys {
  /** Hash: state, attempt, total, ..., and the record frames f0, f1, ... */
  readonly state: string;
  /** Stream of deltas, resets and the end. */
  readonly partials: string;
  /** Pub/sub channel that tells readers to read again; messages are hints and may be lost. */
  readonly channel: string;
}

/** Call statistics of a lane, for people; on the lane's own shard. */
export interface TelemetryKeys {
  /** Hash of the totals since the lane's first call. */
  readonly totals: string;
  /** Hash of the statistics of one step; `slot` is its start divided by its length. */
  step(step: "fine" | "coarse", slot: number): string;
}

/** Single-flight claims on answers. A key is one of these prefixes, a colon, and the answer key. */
export interface AnswerKeys {
  /** String: the run that makes the call. */
  readonly claim: string;
  /** String: another run waits for the answer. */
  readonly waiters: string;
  /** String: the answer, for the runs that waited. */
  readonly answer: string;
}

/** What an API key has used. */
export interface ApiKeyUsageKeys {
  /** Sorted set of the calls of the last minute: reservation -> when it was admitted, epoch ms. */
  readonly window: string;
  /** Hash: reservation -> tokens, of the same calls. */
  readonly tokens: string;
  /** Sorted set of the calls that are not settled: reservation -> end of its lease, epoch ms. */
  readonly open: string;
  /** Hash: reservation -> reserved cost, of the same calls. */
  readonly amounts: string;
  /** Hash: reservation -> item that makes the call, of the same calls. */
  readonly items: string;
  /** Hash: spent of the day and the month, tokens of the last minute. */
  readonly usage: string;
  /** String: the use of this item counts already, because its request was sent before. */
  counted(itemId: string): string;
}

/**
 * Objects of one kind that a tenant created. The tenant is part of the keys, so that the id of another tenant's object is an
 * unknown id: it takes the same reads and the same time.
 */
export interface TenantObjectKeys {
  /** Sorted set: id -> creation time, epoch ms. */
  readonly list: string;
  /** The first part of the keys of one object, and their hash tag. */
  object(id: string): string;
}

export interface Keys {
  readonly answers: AnswerKeys;
  /** `kind` is the name of the kind of object, such as "file" or "batch". */
  tenantObjects(tenant: string, kind: string): TenantObjectKeys;
  /** `records`: hash, id of an API key -> its record (JSON). `names`: hash, name -> id, of the keys that are valid. */
  readonly apiKeys: { readonly records: string; readonly names: string };
  apiKeyUsage(keyId: string): ApiKeyUsageKeys;
  item(itemId: string): ItemKeys;
  run(runId: string): RunKeys;
  lane(lane: Lane): LaneKeys;
  /** `lane` as `formatLane` writes it. */
  telemetry(lane: string): TelemetryKeys;
  /** Key prefix of a queue; BullMQ appends ":<queue name>:...". */
  queuePrefix(queue: string): string;
  /** BullMQ's sorted set of the jobs with a priority, and a hash: tenant -> when its next job is due, in virtual time. */
  queueTurns(queue: string): { readonly prioritized: string; readonly tenants: string };
  /** Sorted set: run id -> creation time, epoch ms. */
  readonly runs: string;
  /** Hash that describes one live worker; expires. */
  worker(workerId: string): string;
  /** Sorted set: worker id -> last heartbeat, epoch ms. */
  readonly workers: string;
  /** Sorted set: lane -> last call, epoch ms. */
  readonly lanes: string;
  /** Hash of the numbers of committed records: "ok" or failure kind -> count. */
  readonly records: string;
  /** Hash: start of a step, epoch ms -> gauges that a dashboard read in it (JSON). */
  gauges(span: "hour" | "day", slot: number): string;
  /** String that API servers write to find out whether Redis accepts writes. */
  readonly readinessProbe: string;
  /** Stream of the actions of dashboard users. */
  readonly audit: string;
}

export function createKeys(namespace: string): Keys {
  const root = `${namespace}:v${KEY_FORMAT}`;
  const answers = `${root}:{answers}`;
  return {
    answers: { claim: `${answers}:claim`, waiters: `${answers}:waiters`, answer: `${answers}:answer` },
    ...createAccessKeys(root),
    item: (itemId) => {
      const tag = `${root}:{item:${encodeURIComponent(itemId)}}`;
      return {
        state: `${tag}:state`,
        partials: `${tag}:partials`,
        channel: `${tag}:channel`,
      };
    },
    run: (runId) => {
      const tag = `${root}:{run:${encodeURIComponent(runId)}}`;
      return {
        meta: `${tag}:meta`,
        done: `${tag}:done`,
        results: `${tag}:results`,
        attempts: `${tag}:attempts`,
        claims: `${tag}:claims`,
        jobs: `${tag}:jobs`,
        stats: `${tag}:stats`,
        requests: `${tag}:requests`,
        lease: `${tag}:lease`,
        snapshot: `${tag}:snapshot`,
        journal: `${tag}:journal`,
        causes: `${tag}:causes`,
      };
    },
    lane: (lane) => {
      const tag = `${root}:{lane:${encodeURIComponent(formatLane(lane))}}`;
      return {
        window: `${tag}:window`,
        costs: `${tag}:costs`,
        flight: `${tag}:flight`,
        recent: `${tag}:recent`,
        long: `${tag}:long`,
        state: `${tag}:state`,
      };
    },
    telemetry: (lane) => {
      const tag = `${root}:{lane:${encodeURIComponent(lane)}}:telemetry`;
      return { totals: `${tag}:totals`, step: (step, slot) => `${tag}:${step}:${slot}` };
    },
    queuePrefix: (queue) => `${root}:{queue:${encodeURIComponent(queue)}}`,
    queueTurns: (queue) => {
      const prefix = `${root}:{queue:${encodeURIComponent(queue)}}`;
      return { prioritized: `${prefix}:${queue}:prioritized`, tenants: `${prefix}:tenants` };
    },
    runs: `${root}:runs`,
    worker: (workerId) => `${root}:worker:${workerId}`,
    workers: `${root}:workers`,
    lanes: `${root}:lanes`,
    records: `${root}:records`,
    gauges: (span, slot) => `${root}:{gauges}:${span}:${slot}`,
    audit: `${root}:audit`,
  };
}

/** Keys of the HTTP API: who may use it, and what was created over it. */
function createAccessKeys(root: string): Pick<Keys, "apiKeys" | "apiKeyUsage" | "tenantObjects" | "readinessProbe"> {
  return {
    readinessProbe: `${root}:readiness`,
    apiKeys: { records: `${root}:{api-keys}:records`, names: `${root}:{api-keys}:names` },
    apiKeyUsage: (keyId) => {
      const tag = `${root}:{api-key:${encodeURIComponent(keyId)}}`;
      return {
        window: `${tag}:window`,
        tokens: `${tag}:tokens`,
        open: `${tag}:open`,
        amounts: `${tag}:amounts`,
        items: `${tag}:items`,
        usage: `${tag}:usage`,
        counted: (itemId) => `${tag}:counted:${encodeURIComponent(itemId)}`,
      };
    },
    tenantObjects: (tenant, kind) => {
      const owner = `${encodeURIComponent(tenant)}:${encodeURIComponent(kind)}`;
      return {
        list: `${root}:{tenant:${owner}}:list`,
        object: (id) => `${root}:{tenant:${owner}:${encodeURIComponent(id)}}`,
      };
    },
  };
}
