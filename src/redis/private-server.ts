import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../core/errors.ts";
import { isServing, KeeperSocket, listUsers } from "./keeper-socket.ts";
import {
  liveRecord,
  type PrivateFiles,
  type ProcessRecord,
  preparePrivateFiles,
} from "./private-server-files.ts";
import { withFileLock } from "./private-server-lock.ts";
import { isProcessAlive, signalProcess } from "./private-server-process.ts";
import { notStarted, spawnKeeper } from "./private-server-spawn.ts";
import type { RedisTarget } from "./url.ts";

export interface PrivateRedis {
  readonly target: RedisTarget;
  /**
   * Says that this process needs the server no more. Close every other connection first. The last user ends the
   * server, with its data on disk, and resolves when server and keeper are gone.
   */
  leave(): Promise<void>;
}

const POLL_MS = 20;
/** How often a user looks whether its keeper still lives. */
const WATCH_MS = 1_000;
/** How long other users may take to come back after a crash: their longest pause between two tries, and some. */
const RETURN_MS = 3_000;
const START_PATIENCE_MS = 60_000;
const STOP_PATIENCE_MS = 90_000;

/**
 * Joins the private Redis of `dir`, starting it when nobody has, and resolves when it takes commands. All processes
 * that do this for one folder share one server; it is restarted when it crashes and ends after its last user.
 * `serverPath` names the program; without it `redis-server` or `valkey-server` is looked for on PATH. Throws a
 * RunError that says what to do when there is none, or when the server does not start.
 */
export async function startPrivateRedis(
  dir: string,
  options: { serverPath?: string } = {},
): Promise<PrivateRedis> {
  const membership = new Membership(preparePrivateFiles(dir), options.serverPath);
  const socket = await membership.join();
  let left: Promise<void> | undefined;
  return {
    target: { kind: "socket", path: socket, db: 0 },
    leave: () => {
      left ??= membership.leave();
      return left;
    },
  };
}

/** One process's use of the server: an open connection that says so, and an eye on the keeper. */
class Membership {
  readonly #files: PrivateFiles;
  readonly #serverPath: string | undefined;
  #anchor: KeeperSocket | undefined;
  #keeper: ProcessRecord | undefined;
  #watch: NodeJS.Timeout | undefined;
  #mending: Promise<void> | undefined;
  /** When this process last came back after a crash of the server. */
  #rejoinedAt = Number.NEGATIVE_INFINITY;

  constructor(files: PrivateFiles, serverPath: string | undefined) {
    this.#files = files;
    this.#serverPath = serverPath;
  }

  async join(): Promise<string> {
    const keeper = await withFileLock(this.#files.lock, () => this.#joinLocked());
    await this.#untilServing();
    this.#watch = setInterval(() => this.#mend(), WATCH_MS).unref();
    return keeper.socket;
  }

  async leave(): Promise<void> {
    clearInterval(this.#watch);
    await this.#mending;
    this.#anchor?.hold(true);
    try {
      await withFileLock(this.#files.lock, () => this.#leaveLocked());
    } finally {
      this.#anchor?.close();
    }
  }

  /** Only under the lock: finds or starts a keeper, and is connected to its server afterwards. */
  async #joinLocked(): Promise<ProcessRecord> {
    const deadline = performance.now() + START_PATIENCE_MS;
    for (;;) {
      const found = liveRecord(this.#files.keeperRecord);
      const spawned = found === undefined ? await spawnKeeper(this.#files, this.#serverPath) : undefined;
      const keeper = found ?? spawned?.record;
      const anchor = keeper && (await connectAnchor(keeper, deadline));
      if (keeper !== undefined && anchor !== undefined) {
        anchor.hold(false);
        if (this.#anchor?.isOpen === false) this.#rejoinedAt = performance.now();
        // A second connection of ours would look like another user when we leave.
        this.#anchor?.close();
        this.#anchor = anchor;
        this.#keeper = keeper;
        spawned?.release();
        return keeper;
      }
      // A keeper that was killed is replaced; one that gave up has said why.
      if (performance.now() > deadline || (spawned && (await spawned.exitCode) !== null))
        throw notStarted(this.#files);
    }
  }

  async #untilServing(): Promise<void> {
    for (;;) {
      const anchor = this.#anchor;
      try {
        anchor?.hold(true);
        if (anchor !== undefined && (await isServing(anchor))) return;
      } catch {
        // The server ended while it loaded its data; its keeper starts it again, or has given up.
        await withFileLock(this.#files.lock, () => this.#joinLocked());
      } finally {
        anchor?.hold(false);
      }
      await sleep(POLL_MS);
    }
  }

  /** Replaces a keeper that was killed and a connection that broke. What fails now is tried again at the next look. */
  #mend(): void {
    const { keeperRecord, lock } = this.#files;
    if (this.#mending !== undefined) return;
    if (this.#anchor?.isOpen && this.#keeper !== undefined && isProcessAlive(this.#keeper)) return;
    if (liveRecord(keeperRecord) === undefined || !this.#anchor?.isOpen) {
      this.#mending = withFileLock(lock, () => this.#joinLocked())
        .then(
          () => {},
          () => {},
        )
        .finally(() => {
          this.#mending = undefined;
        });
    } else {
      this.#keeper = liveRecord(keeperRecord);
    }
  }

  async #leaveLocked(): Promise<void> {
    const { keeperRecord, serverRecord } = this.#files;
    // When the server cannot be asked, it is about to crash or to come back: ending it is its keeper's affair then.
    const asked = this.#othersRemain().catch(() => liveRecord(keeperRecord) !== undefined);
    if (await asked) return;
    const keeper = liveRecord(keeperRecord);
    if (keeper !== undefined) signalProcess(keeper, "SIGTERM");
    const deadline = performance.now() + STOP_PATIENCE_MS;
    for (;;) {
      const server = liveRecord(serverRecord);
      const keeperAlive = keeper !== undefined && isProcessAlive(keeper);
      if (server === undefined && !keeperAlive) return;
      // A server whose keeper was killed ends in the same orderly way when it is asked directly.
      if (server !== undefined && !keeperAlive) signalProcess(server, "SIGTERM");
      if (performance.now() > deadline) {
        throw new RunError(
          `the private Redis did not stop within ${STOP_PATIENCE_MS / 1000} s (server ${server?.pid ?? "gone"}, keeper ${keeper?.pid ?? "gone"})`,
          `Its log is ${this.#files.redisLog}.`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /**
   * A connection closed a moment ago, by us or by a child that just ended, may still be listed; and after a crash,
   * others may still be on their way back.
   */
  async #othersRemain(): Promise<boolean> {
    if (this.#anchor?.isOpen !== true) await this.#joinLocked();
    const anchor = this.#anchor;
    if (anchor === undefined) return false;
    anchor.hold(true);
    const own = await anchor.command("CLIENT ID");
    for (let seen = 0; seen < 3; ) {
      const others = (await listUsers(anchor)).filter((id) => id !== own);
      if (others.length > 0) seen += 1;
      else if (performance.now() - this.#rejoinedAt >= RETURN_MS) return false;
      await sleep(POLL_MS);
    }
    return true;
  }
}

/** A named connection to the keeper's server, or undefined when the keeper ended or time ran out. */
async function connectAnchor(keeper: ProcessRecord, deadline: number): Promise<KeeperSocket | undefined> {
  for (;;) {
    try {
      return await KeeperSocket.open(keeper.socket, `sluice:user:${process.pid}`);
    } catch {
      if (!isProcessAlive(keeper) || performance.now() > deadline) return undefined;
      await sleep(POLL_MS);
    }
  }
}
