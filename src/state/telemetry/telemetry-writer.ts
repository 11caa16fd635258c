import { coerceError } from "#src/core/failures/errors.ts";
import { formatLane } from "#src/core/lane.ts";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { readServerTime, ServerClock } from "#src/redis/server-time.ts";
import { appendJournal, type FailedAttempt } from "#src/state/runs/run-journal.ts";
import { type CallMeasurement, TELEMETRY_STEPS, TOTALS_TTL_MS } from "./telemetry.ts";
import { addMeasurement, drainWholeCounts, type FieldCounts } from "./telemetry-fields.ts";

const addScript = defineScript(new URL("lua/add-telemetry.lua", import.meta.url), {
  keys: ["fine", "coarse", "totals"],
  args: ["fineMs", "coarseMs", "totalsMs"],
  parse: (reply) => Number(reply),
});

export const FLUSH_EVERY_MS = 1_000;
const REGISTER_EVERY_MS = 60_000;
/** Failed attempts recorded per flush; further ones in the same second are only counted. */
const MAX_ENTRIES_PER_FLUSH = 200;
/** How long `stop` waits for the last flush: statistics are not worth keeping a process alive. */
const LAST_FLUSH_TIMEOUT_MS = 1_000;

/** Counts the records of a cancelled run, which no worker committed. */
export async function countCancelled(client: RedisClient, keys: Keys, records: number): Promise<void> {
  if (records === 0) return;
  await client.hincrby(keys.records, "cancelled", records);
  await client.pexpire(keys.records, TOTALS_TTL_MS);
}

/**
 * Records statistics about the calls of one process. They are added up in memory and written once a second, with a
 * handful of commands per lane for any number of calls; memory is bounded by the number of lanes. While Redis is
 * unavailable, one flush waits and further calls are still added up.
 *
 * Steps are chosen by Redis's clock as last read by this process. When the process is killed, up to a second of
 * statistics is lost; a flush whose reply was lost is counted twice.
 */
export class TelemetryWriter {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #onError: (error: Error) => void;
  readonly #clock = new ServerClock();
  readonly #lanes = new Map<string, FieldCounts>();
  readonly #registeredAt = new Map<string, number>();
  #records = new Map<string, number>();
  #journal = new Map<string, FailedAttempt[]>();
  #entryCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  /** Runs whose failed attempts are being written. */
  #writingRuns: ReadonlySet<string> = new Set();

  /** Flushes every `everyMs`; with 0 only when `flush` is called. */
  constructor(
    client: RedisClient,
    keys: Keys,
    { onError = () => {}, everyMs = FLUSH_EVERY_MS }: { onError?: (error: Error) => void; everyMs?: number } = {},
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#onError = onError;
    if (everyMs > 0) this.#timer = setInterval(() => void this.flush(), everyMs);
    this.#timer?.unref();
  }

  observe(outcome: CallMeasurement): void {
    const name = formatLane(outcome.lane);
    let fields = this.#lanes.get(name);
    if (!fields) {
      fields = new Map();
      this.#lanes.set(name, fields);
    }
    addMeasurement(fields, outcome);
  }

  /** Adds a failed attempt to the journal of its run. */
  record(run: string, attempt: FailedAttempt): void {
    const entries = this.#journal.get(run);
    if (this.#entryCount < MAX_ENTRIES_PER_FLUSH) {
      this.#entryCount += 1;
      if (entries) entries.push(attempt);
      else this.#journal.set(run, [attempt]);
      return;
    }
    const last = entries?.pop();
    if (last) entries?.push({ ...last, unrecorded: (last.unrecorded ?? 0) + 1 });
  }

  /** Counts committed records. `kind`: "ok" or the kind of their failure. */
  countRecords(kind: string, records: number): void {
    if (records > 0) this.#records.set(kind, (this.#records.get(kind) ?? 0) + records);
  }

  /** Redis's time, epoch ms; undefined before the first reply with a time. */
  serverNow(): number | undefined {
    return this.#clock.now();
  }

  /** Writes all pending statistics; never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write()
      .catch((error) => this.#onError(coerceError(error)))
      .finally(() => {
        this.#flushing = undefined;
      });
    return this.#flushing;
  }

  /** Resolves when the failed attempts of a run so far are written, or could not be; never rejects. */
  async flushAttempts(run: string): Promise<void> {
    if (this.#writingRuns.has(run)) await this.flush();
    // Attempts that were recorded during a flush need another one.
    for (let flushes = 0; flushes < 2 && this.#journal.has(run); flushes += 1) await this.flush();
  }

  /** Stops the timer and writes the pending statistics, waiting up to a second. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const { promise: timedOut, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST_FLUSH_TIMEOUT_MS);
    await Promise.race([timedOut, this.flush().then(() => this.flush())]);
    clearTimeout(timer);
  }

  async #write(): Promise<void> {
    const isIdle = this.#lanes.size === 0 && this.#records.size === 0 && this.#journal.size === 0;
    if (isIdle) return;
    if (this.#clock.now() === undefined) this.#clock.record(await readServerTime(this.#client));
    const now = this.#clock.now() ?? 0;
    await Promise.all([
      ...[...this.#lanes].map(([lane, fields]) => this.#writeLane(lane, fields, now)),
      this.#writeRecords(),
      this.#writeJournal(),
    ]);
  }

  async #writeLane(lane: string, fields: FieldCounts, now: number): Promise<void> {
    const counts = drainWholeCounts(fields);
    if (fields.size === 0) this.#lanes.delete(lane);
    if (counts.length === 0) return;
    const { fine, coarse } = TELEMETRY_STEPS;
    const laneKeys = this.#keys.telemetry(lane);
    const [serverMs] = await Promise.all([
      addScript.run(
        this.#client,
        {
          fine: laneKeys.step("fine", Math.floor(now / fine.stepMs)),
          coarse: laneKeys.step("coarse", Math.floor(now / coarse.stepMs)),
          totals: laneKeys.totals,
        },
        { fineMs: fine.keepMs, coarseMs: coarse.keepMs, totalsMs: TOTALS_TTL_MS },
        counts,
      ),
      this.#registerLane(lane, now),
    ]);
    this.#clock.record(serverMs);
  }

  /** The list of active lanes covers days, so it is updated once a minute only. */
  async #registerLane(lane: string, now: number): Promise<void> {
    const registeredAt = this.#registeredAt.get(lane);
    if (registeredAt !== undefined && Math.abs(now - registeredAt) < REGISTER_EVERY_MS) return;
    this.#registeredAt.set(lane, now);
    await Promise.all([
      this.#client.zadd(this.#keys.lanes, now, lane),
      this.#client.zremrangebyscore(this.#keys.lanes, "-inf", now - TOTALS_TTL_MS),
      this.#client.pexpire(this.#keys.lanes, TOTALS_TTL_MS),
    ]);
  }

  async #writeRecords(): Promise<void> {
    const records = this.#records;
    if (records.size === 0) return;
    this.#records = new Map();
    const pipeline = this.#client.pipeline();
    for (const [kind, count] of records) pipeline.hincrby(this.#keys.records, kind, count);
    pipeline.pexpire(this.#keys.records, TOTALS_TTL_MS);
    await pipeline.exec();
  }

  async #writeJournal(): Promise<void> {
    const journal = this.#journal;
    this.#journal = new Map();
    this.#entryCount = 0;
    this.#writingRuns = new Set(journal.keys());
    try {
      await Promise.all(
        [...journal].map(async ([run, attempts]) => {
          const pipeline = this.#client.pipeline();
          appendJournal(pipeline, this.#keys.run(run).journal, attempts);
          await pipeline.exec();
        }),
      );
    } finally {
      this.#writingRuns = new Set();
    }
  }
}
