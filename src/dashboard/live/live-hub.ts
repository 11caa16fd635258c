import { addAbortListener } from "node:events";
import { coerceError } from "#src/core/failures/errors.ts";
import type { Principal } from "#src/dashboard/auth/session-token.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { toHttpError } from "#src/dashboard/http/to-http-error.ts";
import type { LatestRecord } from "#src/dashboard/items/item-api.ts";
import type { LatestRecordsReader } from "#src/dashboard/items/reading/latest-records.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { describeOverview } from "#src/dashboard/overview/describe-overview.ts";
import { filterRuns, type RunService } from "#src/dashboard/runs/run-service.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { ServerHealth } from "#src/dashboard/sampling/server-health.ts";
import type { SnapshotSampler } from "#src/dashboard/sampling/snapshot-sampler.ts";
import { type FollowDeps, followChat, requireChat } from "./follow-chat.ts";
import type { LiveChatList } from "./live-chats.ts";
import type { LiveEvents } from "./live-events.ts";
import type { SseConnection } from "./sse-connection.ts";

/** What a page subscribes to. */
export interface Topics {
  readonly overview: boolean;
  readonly runs: boolean;
  readonly chats: boolean;
  readonly run?: string | undefined;
  readonly records?: string | undefined;
  readonly chat?: string | undefined;
}

export interface LiveHubDeps {
  readonly sampler: SnapshotSampler;
  readonly breaker: RedisCircuitBreaker;
  readonly runService: RunService;
  readonly records: LatestRecordsReader;
  readonly chats: LiveChatList;
  readonly follow: FollowDeps;
  /** Whether the session has expired or been revoked. */
  readonly isSessionExpired: (principal: Principal) => boolean;
  readonly onError: (error: Error, where: string) => void;
}

interface Subscription {
  readonly connection: SseConnection;
  readonly topics: Topics;
  readonly principal: Principal;
  healthState: string;
  /** The newest records that were sent: their time, and the indices of the records of that time. */
  records: { at: number; indices: Set<number> };
  /** Stops following the records of its run. */
  unfollow?: () => void;
}

const MAX_SUBSCRIPTIONS = 500;
/** Topics of which a page may request an unknown run or chat; it gets one `refused` event. */
type RefusableTopic = LiveEvents["refused"]["topic"];

/**
 * Pushes every snapshot to all open pages. Each topic is read and serialized once per snapshot, however many pages
 * subscribe to it; another page costs this server some bytes, and Redis nothing.
 */
export class LiveHub {
  readonly #deps: LiveHubDeps;
  readonly #subscriptions = new Set<Subscription>();
  #stopWatching: (() => void) | undefined;
  #isPushing = false;

  constructor(deps: LiveHubDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** Throws an HttpError when too many pages are open. */
  requireCapacity(): void {
    if (this.#subscriptions.size < MAX_SUBSCRIPTIONS) return;
    throw new HttpError(ERRORS.tooManyStreams(MAX_SUBSCRIPTIONS));
  }

  /** Subscribes a page to its topics until it disconnects. */
  async open(connection: SseConnection, topics: Topics, principal: Principal): Promise<void> {
    const subscription: Subscription = {
      connection,
      topics,
      principal,
      healthState: "",
      records: { at: 0, indices: new Set() },
    };
    this.#subscriptions.add(subscription);
    const unwatchRun = topics.run === undefined ? undefined : this.#deps.sampler.watchRun(topics.run);
    const unwatchRecords = topics.records === undefined ? undefined : this.#deps.sampler.watchRun(topics.records);
    // A page that has already disconnected must not stay subscribed.
    addAbortListener(connection.signal, () => {
      this.#subscriptions.delete(subscription);
      unwatchRun?.();
      unwatchRecords?.();
      subscription.unfollow?.();
      if (this.#subscriptions.size > 0) return;
      this.#stopWatching?.();
      this.#stopWatching = undefined;
    });
    this.#stopWatching ??= this.#deps.sampler.watch(() => void this.#pushAll());
    this.#pushHealth(subscription);
    if (topics.run !== undefined) await this.#refuseUnknown(subscription, "run", topics.run);
    if (topics.records !== undefined) await this.#refuseUnknown(subscription, "records", topics.records);
    await this.#deps.sampler.readSnapshot().catch(() => undefined);
    await this.#push([subscription]);
    if (topics.chat !== undefined) await this.#followChat(subscription, topics.chat);
  }

  close(): void {
    for (const { connection } of [...this.#subscriptions]) connection.close();
  }

  async #pushAll(): Promise<void> {
    if (this.#isPushing) return;
    this.#isPushing = true;
    try {
      await this.#push([...this.#subscriptions]);
    } catch (error) {
      this.#deps.onError(coerceError(error), "live");
    } finally {
      this.#isPushing = false;
    }
  }

  async #push(subscriptions: readonly Subscription[]): Promise<void> {
    const { sampler, breaker } = this.#deps;
    for (const subscription of subscriptions) {
      if (this.#deps.isSessionExpired(subscription.principal)) subscription.connection.close();
      else this.#pushHealth(subscription);
    }
    const snapshot = sampler.latest;
    if (!snapshot) return;
    const collectTopics = <T>(pick: (topics: Topics) => T | undefined | false) =>
      new Set(subscriptions.flatMap(({ topics }) => pick(topics) || []));
    if (collectTopics(({ overview }) => overview).size > 0) {
      const json = JSON.stringify(describeOverview(snapshot, sampler, breaker.health()));
      for (const { connection, topics } of subscriptions) if (topics.overview) connection.sendJson("overview", json);
    }
    if (collectTopics(({ runs }) => runs).size > 0) {
      const json = JSON.stringify(filterRuns(snapshot, { offset: 0, limit: 50, text: "" }));
      for (const { connection, topics } of subscriptions) if (topics.runs) connection.sendJson("runs", json);
    }
    await Promise.all(
      [...collectTopics(({ run }) => run)].map((run) => this.#pushRun(run, snapshot.at, subscriptions)),
    );
    // A page that is opened while Redis is unavailable starts with the latest snapshot.
    if (breaker.isOpen) return;
    await Promise.all([
      ...[...collectTopics(({ records }) => records)].map((run) => this.#pushRecords(run, subscriptions)),
      ...(collectTopics(({ chats }) => chats).size > 0 ? [this.#pushChats(subscriptions)] : []),
    ]);
  }

  /** Sends the health if it has changed. */
  #pushHealth(subscription: Subscription): void {
    const health: ServerHealth = this.#deps.breaker.health();
    if (health.redis.state === subscription.healthState) return;
    subscription.healthState = health.redis.state;
    subscription.connection.send("health", health);
  }

  async #pushRun(run: string, at: number, subscriptions: readonly Subscription[]): Promise<void> {
    const page = await this.#deps.runService.readCachedPage(run, at);
    if (!page) return;
    const json = JSON.stringify(page);
    for (const { connection, topics } of subscriptions) if (topics.run === run) connection.sendJson("run", json);
  }

  async #pushRecords(run: string, subscriptions: readonly Subscription[]): Promise<void> {
    const known = this.#deps.runService.getCached(run);
    if (!known) return;
    for (const subscription of subscriptions) {
      if (subscription.topics.records !== run || subscription.connection.signal.aborted) continue;
      subscription.unfollow ??= this.#deps.records.follow(known);
    }
    const latest = await this.#deps.records.read(known).catch(() => undefined);
    if (!latest) return;
    for (const subscription of subscriptions) {
      if (subscription.topics.records !== run) continue;
      const newRecords = takeNewRecords(subscription, latest.records);
      if (newRecords.length > 0) subscription.connection.send("records", { ...latest, records: newRecords });
    }
  }

  async #pushChats(subscriptions: readonly Subscription[]): Promise<void> {
    const chats = await this.#deps.chats.read().catch(() => undefined);
    if (!chats) return;
    const json = JSON.stringify(chats);
    for (const { connection, topics } of subscriptions) if (topics.chats) connection.sendJson("chats", json);
  }

  async #refuseUnknown(subscription: Subscription, topic: RefusableTopic, run: string): Promise<void> {
    try {
      await this.#deps.runService.requireRun(run);
    } catch (error) {
      // Without Redis it is not known yet whether the run exists.
      if (!(error instanceof HttpError && error.code === "redis-unavailable")) this.#refuse(subscription, topic, error);
    }
  }

  #refuse({ connection }: Subscription, topic: RefusableTopic, error: unknown): void {
    connection.send("refused", { ...toHttpError(coerceError(error)).body(), topic });
  }

  async #followChat(subscription: Subscription, item: string): Promise<void> {
    const { connection, principal } = subscription;
    try {
      if (principal.role !== "operator") throw new HttpError(ERRORS.chatNeedsOperator);
      await requireChat(item, this.#deps.follow);
      for await (const event of followChat(item, this.#deps.follow, connection.signal)) connection.send("chat", event);
    } catch (error) {
      this.#refuse(subscription, "chat", error);
    }
  }
}

/** The records that are newer than those that were sent, or have the same time and were not sent. */
function takeNewRecords(subscription: Subscription, records: readonly LatestRecord[]): LatestRecord[] {
  const { at, indices } = subscription.records;
  const newRecords = records.filter((one) => one.at > at || (one.at === at && !indices.has(one.index)));
  const newest = Math.max(at, ...newRecords.map((one) => one.at));
  const known = newest === at ? indices : new Set<number>();
  for (const one of newRecords) if (one.at === newest) known.add(one.index);
  subscription.records = { at: newest, indices: known };
  return newRecords;
}
