import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "#src/core/errors.ts";
import type { RedisTarget } from "#src/redis/url.ts";
import { withFileLock } from "./file-lock.ts";
import { isProcessAlive, signalProcess } from "./process-identity.ts";
import { type PrivateFiles, type ProcessRecord, preparePrivateFiles, readLiveRecord } from "./server-files.ts";
import { isServing, listUserConnections, SocketClient } from "./socket-client.ts";
import { spawnSupervisor, startFailure } from "./spawn-supervisor.ts";

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
const RECONNECT_GRACE_MS = 3_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 90_000;

/**
 * Joins the private Redis of `dir`, starting it when nobody has, and resolves when it takes commands. All processes
 * that do this for one folder share one server; it is restarted when it crashes and ends after its last user.
 * `serverPath` names the program; without it `redis-server` or `valkey-server` is looked for on PATH. Throws a
 * RunError that says what to do when there is none, or when the server does not start.
 */
export async function startPrivateRedis(dir: string, options: { serverPath?: string } = {}): Promise<PrivateRedis> {
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
  #connection: SocketClient | undefined;
  #supervisor: ProcessRecord | undefined;
  #watch: NodeJS.Timeout | undefined;
  #repairing: Promise<void> | undefined;
  /** When this process last came back after a crash of the server. */
  #rejoinedAt = Number.NEGATIVE_INFINITY;

  constructor(files: PrivateFiles, serverPath: string | undefined) {
    this.#files = files;
    this.#serverPath = serverPath;
  }

  async join(): Promise<string> {
    const supervisor = await withFileLock(this.#files.lock, () => this.#joinWithLock());
    await this.#waitUntilServing();
    this.#watch = setInterval(() => this.#repair(), WATCH_MS).unref();
    return supervisor.socket;
  }

  async leave(): Promise<void> {
    clearInterval(this.#watch);
    await this.#repairing;
    this.#connection?.keepProcessAlive(true);
    try {
      await withFileLock(this.#files.lock, () => this.#leaveWithLock());
    } finally {
      this.#connection?.close();
    }
  }

  /** Only under the lock: finds or starts a keeper, and is connected to its server afterwards. */
  async #joinWithLock(): Promise<ProcessRecord> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const found = readLiveRecord(this.#files.supervisorRecord);
      const spawned = found === undefined ? await spawnSupervisor(this.#files, this.#serverPath) : undefined;
      const supervisor = found ?? spawned?.record;
      const connection = supervisor && (await openUserConnection(supervisor, deadline));
      if (supervisor !== undefined && connection !== undefined) {
        connection.keepProcessAlive(false);
        if (this.#connection?.isOpen === false) this.#rejoinedAt = performance.now();
        // A second connection of ours would look like another user when we leave.
        this.#connection?.close();
        this.#connection = connection;
        this.#supervisor = supervisor;
        spawned?.release();
        return supervisor;
      }
      // A keeper that was killed is replaced; one that gave up has said why.
      if (performance.now() > deadline || (spawned && (await spawned.exitCode) !== null))
        throw startFailure(this.#files);
    }
  }

  async #waitUntilServing(): Promise<void> {
    for (;;) {
      const connection = this.#connection;
      try {
        connection?.keepProcessAlive(true);
        if (connection !== undefined && (await isServing(connection))) return;
      } catch {
        // The server ended while it loaded its data; its keeper starts it again, or has given up.
        await withFileLock(this.#files.lock, () => this.#joinWithLock());
      } finally {
        connection?.keepProcessAlive(false);
      }
      await sleep(POLL_MS);
    }
  }

  /** Replaces a keeper that was killed and a connection that broke. What fails now is tried again at the next look. */
  #repair(): void {
    const { supervisorRecord, lock } = this.#files;
    if (this.#repairing !== undefined) return;
    if (this.#connection?.isOpen && this.#supervisor !== undefined && isProcessAlive(this.#supervisor)) return;
    if (readLiveRecord(supervisorRecord) === undefined || !this.#connection?.isOpen) {
      this.#repairing = withFileLock(lock, () => this.#joinWithLock())
        .then(
          () => {},
          () => {},
        )
        .finally(() => {
          this.#repairing = undefined;
        });
    } else {
      this.#supervisor = readLiveRecord(supervisorRecord);
    }
  }

  async #leaveWithLock(): Promise<void> {
    const { supervisorRecord, serverRecord } = this.#files;
    // When the server cannot be asked, it is about to crash or to come back: ending it is its keeper's affair then.
    const isInUse = this.#hasOtherUsers().catch(() => readLiveRecord(supervisorRecord) !== undefined);
    if (await isInUse) return;
    const supervisor = readLiveRecord(supervisorRecord);
    if (supervisor !== undefined) signalProcess(supervisor, "SIGTERM");
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    for (;;) {
      const server = readLiveRecord(serverRecord);
      const isSupervisorAlive = supervisor !== undefined && isProcessAlive(supervisor);
      if (server === undefined && !isSupervisorAlive) return;
      // A server whose keeper was killed ends in the same orderly way when it is asked directly.
      if (server !== undefined && !isSupervisorAlive) signalProcess(server, "SIGTERM");
      if (performance.now() > deadline) {
        throw new RunError(
          `the private Redis did not stop within ${STOP_TIMEOUT_MS / 1000} s (server ${server?.pid ?? "gone"}, keeper ${supervisor?.pid ?? "gone"})`,
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
  async #hasOtherUsers(): Promise<boolean> {
    if (this.#connection?.isOpen !== true) await this.#joinWithLock();
    const connection = this.#connection;
    if (connection === undefined) return false;
    connection.keepProcessAlive(true);
    const own = await connection.command("CLIENT ID");
    for (let seen = 0; seen < 3; ) {
      const others = (await listUserConnections(connection)).filter((id) => id !== own);
      if (others.length > 0) seen += 1;
      else if (performance.now() - this.#rejoinedAt >= RECONNECT_GRACE_MS) return false;
      await sleep(POLL_MS);
    }
    return true;
  }
}

/** A named connection to the keeper's server, or undefined when the keeper ended or time ran out. */
async function openUserConnection(supervisor: ProcessRecord, deadline: number): Promise<SocketClient | undefined> {
  for (;;) {
    try {
      return await SocketClient.open(supervisor.socket, `sluice:user:${process.pid}`);
    } catch {
      if (!isProcessAlive(supervisor) || performance.now() > deadline) return undefined;
      await sleep(POLL_MS);
    }
  }
}
