import { coerceError } from "../../core/errors.ts";
import type { LatestRecord, LiveEvents, ServerHealth } from "../contract.ts";
import { toHttpError } from "../create-server.ts";
import type { Person } from "../door/session-token.ts";
import { HttpError } from "../http-error.ts";
import { describeOverview } from "../look/describe-overview.ts";
import type { RedisGate } from "../look/redis-gate.ts";
import type { Sampler } from "../look/sampler.ts";
import type { LatestRecordsReader } from "../runs/latest-records.ts";
import type { RunDesk } from "../runs/run-desk.ts";
import type { EventSink } from "./event-sink.ts";
import { type FollowDeps, followChat, requireChat } from "./follow-chat.ts";
import type { LiveChatList } from "./live-chats.ts";

/** What a stream is about. */
export interface Topics {
  readonly overview: boolean;
  readonly runs: boolean;
  readonly chats: boolean;
  readonly run?: string | undefined;
  readonly records?: string | undefined;
  readonly chat?: string | undefined;
}

export interface LiveHubDeps {
  readonly sampler: Sampler;
  readonly gate: RedisGate;
  readonly desk: RunDesk;
  readonly records: LatestRecordsReader;
  readonly chats: LiveChatList;
  readonly follow: FollowDeps;
  /** Whether somebody who came in once must not any more. */
  readonly isOver: (person: Person) => boolean;
  readonly onError: (error: Error, where: string) => void;
}

interface Stream {
  readonly sink: EventSink;
  readonly topics: Topics;
  readonly person: Person;
  healthState: string;
  /** Newest record that was sent: `at` and index. */
  records: { at: number; indices: Set<number> };
  /** Ends the following of its run's records. */
  unfollow?: () => void;
}

const MAX_STREAMS = 500;
/** Pages that asked for a run or chat that is not there are told once, by these topics. */
type Refusable = LiveEvents["refused"]["topic"];

/**
 * Tells all open pages what the sampler saw. Everything is read and written as JSON once per look, however many pages
 * want it; a page costs this server some bytes, and Redis nothing.
 */
export class LiveHub {
  readonly #deps: LiveHubDeps;
  readonly #streams = new Set<Stream>();
  #unwatch: (() => void) | undefined;
  #telling = false;

  constructor(deps: LiveHubDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Throws an HttpError when there are too many. */
  requireRoom(): void {
    if (this.#streams.size < MAX_STREAMS) return;
    throw new HttpError("bad-request", `${MAX_STREAMS} pages are open already.`, { status: 503 });
  }

  /** Begins to tell a page about its topics, until it goes. */
  async open(sink: EventSink, topics: Topics, person: Person): Promise<void> {
    const stream: Stream = {
      sink,
      topics,
      person,
      healthState: "",
      records: { at: 0, indices: new Set() },
    };
    this.#streams.add(stream);
    const unwatchRun = topics.run === undefined ? undefined : this.#deps.sampler.watchRun(topics.run);
    const unwatchRecords =
      topics.records === undefined ? undefined : this.#deps.sampler.watchRun(topics.records);
    sink.signal.addEventListener("abort", () => {
      this.#streams.delete(stream);
      unwatchRun?.();
      unwatchRecords?.();
      stream.unfollow?.();
      if (this.#streams.size > 0) return;
      this.#unwatch?.();
      this.#unwatch = undefined;
    });
    this.#unwatch ??= this.#deps.sampler.watch(() => void this.#tellAll());
    this.#tellHealth(stream);
    if (topics.run !== undefined) await this.#refuseUnknown(stream, "run", topics.run);
    if (topics.records !== undefined) await this.#refuseUnknown(stream, "records", topics.records);
    await this.#deps.sampler.look().catch(() => undefined);
    await this.#tell([stream]);
    if (topics.chat !== undefined) await this.#followChat(stream, topics.chat);
  }

  close(): void {
    for (const { sink } of [...this.#streams]) sink.close();
  }

  async #tellAll(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      await this.#tell([...this.#streams]);
    } catch (error) {
      this.#deps.onError(coerceError(error), "live");
    } finally {
      this.#telling = false;
    }
  }

  async #tell(streams: readonly Stream[]): Promise<void> {
    const { sampler, gate, desk } = this.#deps;
    for (const stream of streams) {
      if (this.#deps.isOver(stream.person)) stream.sink.close();
      else this.#tellHealth(stream);
    }
    const look = sampler.latest;
    if (!look) return;
    const about = <T>(pick: (topics: Topics) => T | undefined | false) =>
      new Set(streams.flatMap(({ topics }) => pick(topics) || []));
    if (about(({ overview }) => overview).size > 0) {
      const json = JSON.stringify(describeOverview(look, sampler, gate.health()));
      for (const { sink, topics } of streams) if (topics.overview) sink.sendText("overview", json);
    }
    if (about(({ runs }) => runs).size > 0) {
      const json = JSON.stringify(desk.listOf(look, { offset: 0, limit: 50, text: "" }));
      for (const { sink, topics } of streams) if (topics.runs) sink.sendText("runs", json);
    }
    await Promise.all([...about(({ run }) => run)].map((run) => this.#tellRun(run, look.at, streams)));
    // A page that is opened while Redis is away begins with what was seen last.
    if (gate.isAway) return;
    await Promise.all([
      ...[...about(({ records }) => records)].map((run) => this.#tellRecords(run, streams)),
      ...(about(({ chats }) => chats).size > 0 ? [this.#tellChats(streams)] : []),
    ]);
  }

  /** When Redis goes and when it is back. */
  #tellHealth(stream: Stream): void {
    const health: ServerHealth = this.#deps.gate.health();
    if (health.redis.state === stream.healthState) return;
    stream.healthState = health.redis.state;
    stream.sink.send("health", health);
  }

  async #tellRun(run: string, at: number, streams: readonly Stream[]): Promise<void> {
    const known = this.#deps.desk.deps.book.get(run);
    if (!known) return;
    const json = JSON.stringify(await this.#deps.desk.describe(known, at));
    for (const { sink, topics } of streams) if (topics.run === run) sink.sendText("run", json);
  }

  async #tellRecords(run: string, streams: readonly Stream[]): Promise<void> {
    const known = this.#deps.desk.deps.book.get(run);
    if (!known) return;
    for (const stream of streams) {
      if (stream.topics.records !== run || stream.sink.signal.aborted) continue;
      stream.unfollow ??= this.#deps.records.follow(known);
    }
    const latest = await this.#deps.records.read(known).catch(() => undefined);
    if (!latest) return;
    for (const stream of streams) {
      if (stream.topics.records !== run) continue;
      const fresh = takeFresh(stream, latest.records);
      if (fresh.length > 0) stream.sink.send("records", { ...latest, records: fresh });
    }
  }

  async #tellChats(streams: readonly Stream[]): Promise<void> {
    const chats = await this.#deps.chats.read().catch(() => undefined);
    if (!chats) return;
    const json = JSON.stringify(chats);
    for (const { sink, topics } of streams) if (topics.chats) sink.sendText("chats", json);
  }

  async #refuseUnknown(stream: Stream, topic: Refusable, run: string): Promise<void> {
    try {
      await this.#deps.desk.require(run);
    } catch (error) {
      // Whether it is known will be seen when Redis is back.
      if (!(error instanceof HttpError && error.code === "redis-away")) this.#refuse(stream, topic, error);
    }
  }

  #refuse({ sink }: Stream, topic: Refusable, error: unknown): void {
    sink.send("refused", { ...toHttpError(coerceError(error)).body(), topic });
  }

  async #followChat(stream: Stream, item: string): Promise<void> {
    const { sink, person } = stream;
    try {
      if (person.role !== "operator") {
        throw new HttpError("not-allowed", "What a model says is shown to an operator only.");
      }
      await requireChat(item, this.#deps.follow);
      for await (const event of followChat(item, this.#deps.follow, sink.signal)) sink.send("chat", event);
    } catch (error) {
      this.#refuse(stream, "chat", error);
    }
  }
}

/** Those that came after what the stream has; of one moment, those that it lacks. */
function takeFresh(stream: Stream, records: readonly LatestRecord[]): LatestRecord[] {
  const { at, indices } = stream.records;
  const fresh = records.filter((one) => one.at > at || (one.at === at && !indices.has(one.index)));
  const newest = Math.max(at, ...fresh.map((one) => one.at));
  const known = newest === at ? indices : new Set<number>();
  for (const one of fresh) if (one.at === newest) known.add(one.index);
  stream.records = { at: newest, indices: known };
  return fresh;
}
