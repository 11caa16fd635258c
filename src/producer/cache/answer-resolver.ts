import type { Clock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import { CLAIM_MS, type SingleFlightClaims } from "#src/state/answer-claims/single-flight-claims.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";
import { type CachedAnswer, decodeFrame, encodeFrame, isFrameOf } from "./cache-frame.ts";

export interface AnswerResolverDeps {
  readonly cache: AnswerCache;
  readonly claims: SingleFlightClaims;
  readonly computeKey: ComputeAnswerKey;
  /** Dimensions of the run's vectors, 0 while unknown; cached vectors of another length are not used. */
  readonly dimensions?: () => number;
  readonly clock: Clock;
  /** Called once, when the first item waits for another run. */
  readonly onWaiting?: () => void;
}

/** Result of a lookup: the items to send, and the records of items that were answered without a call. */
export interface LookupResult {
  readonly send: readonly Item[];
  readonly records: readonly WireRecord[];
}

interface CacheLookup {
  readonly item: Item;
  readonly key: Buffer;
  readonly hash: string;
}

/** Hex digits of the key in claims; enough to distinguish requests that are in flight at the same time. */
const HASH_HEX = 32;
const RENEW_EVERY_MS = CLAIM_MS / 3;
/** Maximum memory for texts that wait for answers of other runs. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Avoids calls for answers that are cached or in flight. Items whose answer is in the cache get it from there. The others
 * are claimed; an item that another run has claimed waits until the answer is cached or the claim expires.
 */
export class AnswerResolver {
  readonly #deps: AnswerResolverDeps;
  /** Lookups that this run has claimed and sent, by item index. */
  readonly #inFlight = new Map<number, CacheLookup>();
  readonly #waiting = new Map<number, CacheLookup>();
  #waitingBytes = 0;
  #settled: { readonly lookup: CacheLookup; readonly answer: CachedAnswer | undefined }[] = [];
  #settling: Promise<void> = Promise.resolve();
  #renewedAt: number;
  #hasNotifiedWaiting = false;

  constructor(deps: AnswerResolverDeps) {
    this.#deps = deps;
    this.#renewedAt = deps.clock.monotonic();
  }

  /** Number of items that wait for the answer of another run. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether no further items should be resolved until a waiting item is done. */
  isFull(windowSize: number): boolean {
    return this.#waiting.size >= windowSize || this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  /** Resolves items that have no record yet. */
  async resolve(items: readonly Item[]): Promise<LookupResult> {
    const send: Item[] = [];
    const lookups: CacheLookup[] = [];
    for (const item of items) {
      const key = this.#deps.computeKey(item);
      // A run that is reopened resolves all its items again.
      this.#stopWaiting(item);
      if (key) lookups.push({ item, key, hash: key.toString("hex").slice(0, HASH_HEX) });
      else send.push(item);
    }
    const { records, missed } = await this.#find(lookups);
    const result = await this.#claim(missed);
    send.push(...result.send);
    return { send: send.sort(byIndex), records: [...records, ...result.records] };
  }

  /** Resolves the waiting items again. */
  async retryWaiting(): Promise<LookupResult> {
    const waiting = [...this.#waiting.values()];
    const { records, missed } = await this.#find(waiting);
    const result = await this.#claim(missed);
    const resolved = new Set(result.send.map(({ index }) => index));
    for (const { index } of [...records, ...result.records]) resolved.add(index);
    for (const { item } of waiting) if (resolved.has(item.index)) this.#stopWaiting(item);
    return { send: result.send, records: [...records, ...result.records] };
  }

  /**
   * Claims items of jobs that are already queued, because an earlier process of this run has sent them. Returns the records
   * of those whose answer is cached: jobs are ranges of items, so a range may include items that were never sent.
   */
  async resume(items: readonly Item[]): Promise<readonly WireRecord[]> {
    const lookups = items.flatMap((item) => {
      const key = this.#deps.computeKey(item);
      return key ? [{ item, key, hash: key.toString("hex").slice(0, HASH_HEX) }] : [];
    });
    const { records, missed } = await this.#find(lookups);
    await this.#acquire(missed);
    for (const lookup of missed) this.#inFlight.set(lookup.item.index, lookup);
    return records;
  }

  /** Caches answers and releases their claims, in the background. */
  recordResults(records: readonly WireRecord[]): void {
    for (const record of records) {
      const lookup = this.#inFlight.get(record.index);
      if (!lookup) continue;
      this.#inFlight.delete(record.index);
      const answer = record.failure ? undefined : toAnswer(record);
      if (answer) this.#deps.cache.put(lookup.key, answer);
      this.#settled.push({ lookup, answer });
    }
    if (this.#settled.length > 0) this.#settling = this.#settling.then(() => this.#settle());
  }

  /** Renews claims; call it about twice per second. A paused run lets its claims expire, so that no other run waits. */
  async tick({ isPaused = false }: { readonly isPaused?: boolean }): Promise<void> {
    const now = this.#deps.clock.monotonic();
    if (isPaused || now - this.#renewedAt < RENEW_EVERY_MS) return;
    this.#renewedAt = now;
    const hashes = Array.from(this.#inFlight.values(), ({ hash }) => hash);
    await this.#deps.claims.renew(hashes).catch(() => undefined);
  }

  /** Releases all claims and closes the cache. */
  async close(): Promise<void> {
    for (const lookup of this.#inFlight.values()) this.#settled.push({ lookup, answer: undefined });
    this.#inFlight.clear();
    this.#settling = this.#settling.then(() => this.#settle());
    await this.#settling;
    await this.#deps.cache.close();
  }

  async #find(lookups: readonly CacheLookup[]): Promise<{ records: WireRecord[]; missed: CacheLookup[] }> {
    const answers = await this.#deps.cache.find(lookups.map(({ key }) => key));
    const records: WireRecord[] = [];
    const missed: CacheLookup[] = [];
    for (const [i, lookup] of lookups.entries()) {
      const record = this.#toRecord(lookup, answers[i]);
      if (record) records.push(record);
      else missed.push(lookup);
    }
    return { records, missed };
  }

  /**
   * Claims before the last cache lookup: a run writes an answer to the cache before it releases its claim, so a run that
   * gets the claim and does not find the answer must send the request.
   */
  async #claim(lookups: readonly CacheLookup[]): Promise<LookupResult> {
    if (lookups.length === 0) return { send: [], records: [] };
    const claimed = await this.#acquire(lookups);
    const ours: CacheLookup[] = [];
    const records: WireRecord[] = [];
    for (const [i, lookup] of lookups.entries()) {
      const outcome = claimed[i] ?? "ours";
      const answer = typeof outcome === "string" ? undefined : decodeAnswer(lookup, outcome.answer);
      const record = this.#toRecord(lookup, answer);
      if (record && answer) {
        records.push(record);
        this.#deps.cache.put(lookup.key, answer);
      } else if (outcome === "theirs") this.#wait(lookup);
      else ours.push(lookup);
    }
    const found = await this.#find(ours);
    const known = new Set(found.records.map(({ index }) => index));
    for (const lookup of ours) {
      if (known.has(lookup.item.index)) this.#settled.push({ lookup, answer: undefined });
      else this.#inFlight.set(lookup.item.index, lookup);
    }
    if (known.size > 0) this.#settling = this.#settling.then(() => this.#settle());
    return { send: found.missed.map(({ item }) => item), records: [...records, ...found.records] };
  }

  #wait(lookup: CacheLookup): void {
    if (this.#waiting.has(lookup.item.index)) return;
    this.#waiting.set(lookup.item.index, lookup);
    this.#waitingBytes += lookup.item.text.length;
    if (!this.#hasNotifiedWaiting) this.#deps.onWaiting?.();
    this.#hasNotifiedWaiting = true;
  }

  #stopWaiting({ index, text }: Item): void {
    if (this.#waiting.delete(index)) this.#waitingBytes -= text.length;
  }

  /** Claims only save calls, so a Redis error (out of memory, for example) does not stop the run. */
  async #acquire(lookups: readonly CacheLookup[]) {
    return await this.#deps.claims.acquire(lookups.map(({ hash }) => hash)).catch(() => []);
  }

  async #settle(): Promise<void> {
    const settled = this.#settled.splice(0);
    if (settled.length === 0) return;
    await this.#deps.cache.flush();
    const byHash = new Map(settled.map((one) => [one.lookup.hash, one]));
    const answerOf = (hash: string) => {
      const { lookup, answer } = byHash.get(hash) ?? {};
      return lookup && answer && encodeFrame(lookup.key, answer);
    };
    await this.#deps.claims.settle([...byHash.keys()], answerOf).catch(() => undefined);
  }

  #toRecord({ item }: CacheLookup, answer: CachedAnswer | undefined): WireRecord | undefined {
    if (!answer) return undefined;
    const dimensions = this.#deps.dimensions?.() ?? 0;
    if (dimensions > 0 && answer.vector?.length !== dimensions * 4) return undefined;
    return { index: item.index, attempts: 0, ...answer };
  }
}

function decodeAnswer({ key }: CacheLookup, frame: Buffer): CachedAnswer | undefined {
  return isFrameOf(key, frame) ? decodeFrame(frame) : undefined;
}

function toAnswer({ tokens, vector, json }: WireRecord): CachedAnswer | undefined {
  if (vector) return { tokens, vector };
  return json === undefined ? undefined : { tokens, json };
}

function byIndex(a: Item, b: Item): number {
  return a.index - b.index;
}
