import { formatLane, type Lane } from "../core/lane.ts";

/**
 * The only place that spells Redis keys. All keys of one script share one hash tag, so that everything works on a
 * Redis Cluster; runs, lanes and queues may live on different shards. Names from the outside (lane, run) are
 * percent-encoded, so no text of theirs can end a tag or collide with another key.
 */
export interface RunKeys {
  /** hash { state, total, cursor, model, createdAt, ... } */
  readonly meta: string;
  /** bitmap: item index -> its record is committed */
  readonly done: string;
  /** stream of committed records, trimmed as they become durable on disk */
  readonly results: string;
  /** hash item index -> failed attempts so far */
  readonly attempts: string;
  /** hash job id (or job id + item) -> claims that did not end in an orderly way */
  readonly claims: string;
  /** hash job id -> "first,last,generation" of jobs whose items are not all collected */
  readonly jobs: string;
  /** hash of counters */
  readonly stats: string;
  /** hash item index -> request that is too large for its job */
  readonly requests: string;
  /** string: who coordinates the run */
  readonly lease: string;
  /** string: how far the run is, as its coordinator last saw it (JSON) */
  readonly snapshot: string;
}

export interface LaneKeys {
  /** zset reservation -> latest possible arrival at the provider, epoch ms */
  readonly window: string;
  /** hash reservation -> tokens */
  readonly costs: string;
  /** zset reservation -> end of its lease, epoch ms; calls in flight */
  readonly flight: string;
  /** hash: pause, park, learned limits, streaks */
  readonly state: string;
}

/** An item that was submitted on its own, for pickup by any process. */
export interface ItemKeys {
  /** hash { state, attempt, total, ... } */
  readonly state: string;
  /** list of record frames */
  readonly records: string;
  /** stream of deltas, resets and the end */
  readonly partials: string;
  /** pub/sub channel: "look again"; a hint, never the record */
  readonly channel: string;
}

export interface Keys {
  item(itemId: string): ItemKeys;
  run(runId: string): RunKeys;
  lane(lane: Lane): LaneKeys;
  /** BullMQ key prefix of a queue; BullMQ appends ":<queue name>:...". */
  queuePrefix(queue: string): string;
  /** zset run id -> created at, epoch ms */
  readonly runs: string;
  /** hash of one live worker, expiring */
  worker(workerId: string): string;
  /** zset worker id -> last heartbeat, epoch ms */
  readonly workers: string;
}

export function createKeys(namespace: string): Keys {
  return {
    item: (itemId) => {
      const tag = `${namespace}:{item:${encodeURIComponent(itemId)}}`;
      return {
        state: `${tag}:state`,
        records: `${tag}:records`,
        partials: `${tag}:partials`,
        channel: `${tag}:channel`,
      };
    },
    run: (runId) => {
      const tag = `${namespace}:{run:${encodeURIComponent(runId)}}`;
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
      };
    },
    lane: (lane) => {
      const tag = `${namespace}:{lane:${encodeURIComponent(formatLane(lane))}}`;
      return {
        window: `${tag}:window`,
        costs: `${tag}:costs`,
        flight: `${tag}:flight`,
        state: `${tag}:state`,
      };
    },
    queuePrefix: (queue) => `${namespace}:{queue:${encodeURIComponent(queue)}}`,
    runs: `${namespace}:runs`,
    worker: (workerId) => `${namespace}:worker:${workerId}`,
    workers: `${namespace}:workers`,
  };
}
