import { formatLane, type Lane } from "#src/core/lane.ts";

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
  /** stream of failed attempts */
  readonly journal: string;
  /** hash cause -> how many records failed of it, with an example (JSON) */
  readonly causes: string;
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
  /** hash { state, attempt, total, ..., f0, f1, ...: record frames } */
  readonly state: string;
  /** stream of deltas, resets and the end */
  readonly partials: string;
  /** pub/sub channel: "look again"; a hint, never the record */
  readonly channel: string;
}

/** What happened on a lane, for people; on the lane's own shard. */
export interface TelemetryKeys {
  /** hash of figures since ever */
  readonly totals: string;
  /** hash of the figures of one step; `slot` is its beginning over its length */
  step(step: "fine" | "coarse", slot: number): string;
}

/** What single-flight asking is agreed by; a key is one of these names, a colon, and the hash of the question. */
export interface AnswerKeys {
  /** string: the run that asks */
  readonly claim: string;
  /** string: another run waits */
  readonly waiters: string;
  /** string: the answer, for runs that waited */
  readonly answer: string;
}

export interface Keys {
  readonly answers: AnswerKeys;
  item(itemId: string): ItemKeys;
  run(runId: string): RunKeys;
  lane(lane: Lane): LaneKeys;
  /** `lane` as `formatLane` writes it. */
  telemetry(lane: string): TelemetryKeys;
  /** BullMQ key prefix of a queue; BullMQ appends ":<queue name>:...". */
  queuePrefix(queue: string): string;
  /** zset run id -> created at, epoch ms */
  readonly runs: string;
  /** hash of one live worker, expiring */
  worker(workerId: string): string;
  /** zset worker id -> last heartbeat, epoch ms */
  readonly workers: string;
  /** zset lane -> last call, epoch ms */
  readonly lanes: string;
  /** hash of records committed since ever, by what they are */
  readonly records: string;
  /** hash beginning of a step -> gauges that a dashboard saw in it (JSON) */
  gauges(span: "hour" | "day", slot: number): string;
  /** stream of what people did through the dashboard */
  readonly audit: string;
}

export function createKeys(namespace: string): Keys {
  const answers = `${namespace}:{answers}`;
  return {
    answers: { claim: `${answers}:claim`, waiters: `${answers}:waiters`, answer: `${answers}:answer` },
    item: (itemId) => {
      const tag = `${namespace}:{item:${encodeURIComponent(itemId)}}`;
      return {
        state: `${tag}:state`,
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
        journal: `${tag}:journal`,
        causes: `${tag}:causes`,
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
    telemetry: (lane) => {
      const tag = `${namespace}:{lane:${encodeURIComponent(lane)}}:telemetry`;
      return { totals: `${tag}:totals`, step: (step, slot) => `${tag}:${step}:${slot}` };
    },
    queuePrefix: (queue) => `${namespace}:{queue:${encodeURIComponent(queue)}}`,
    runs: `${namespace}:runs`,
    worker: (workerId) => `${namespace}:worker:${workerId}`,
    workers: `${namespace}:workers`,
    lanes: `${namespace}:lanes`,
    records: `${namespace}:records`,
    gauges: (span, slot) => `${namespace}:{gauges}:${span}:${slot}`,
    audit: `${namespace}:audit`,
  };
}
