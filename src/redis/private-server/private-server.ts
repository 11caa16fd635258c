import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "#src/core/failures/errors.ts";
import type { RedisTarget } from "#src/redis/url.ts";
import { withFileLock } from "./file-lock.ts";
import { isSameProcessAlive, signalProcess } from "./process-identity.ts";
import { type PrivateFiles, type ProcessRecord, preparePrivateFiles, readLiveRecord } from "./server-files.ts";
import { isServing, listUserConnections, SocketClient } from "./socket-client.ts";
import { createStartError, spawnSupervisor } from "./spawn-supervisor.ts";

export interface PrivateRedis {
  readonly target: RedisTarget;
  /**
   * Ends this process's use of the server; close all other connections first. The last user stops the server, with its
   * data on disk, and resolves when server and supervisor have ended. Throws a RunError if they don't end within 90 s.
   */
  leave(): Promise<void>;
}

const POLL_MS = 20;
/** How often a user checks that its supervisor is alive. */
const CHECK_EVERY_MS = 1_000;
/** How long other users may take to reconnect after a crash: longer than their longest reconnection delay. */
const RECONNECT_GRACE_MS = 3_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 90_000;

/**
 * Joins the private Redis of `dir`, starts it if necessary, and resolves when it accepts commands. All processes that
 * join one folder share one server, which is restarted when it crashes and stops after its last user. `serverPath` is the
 * server program; the default is `redis-server` or `valkey-server` on PATH. Throws a RunError if there is no such program,
 * or if the server does not start.
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

/** One process's use of the server: an open named connection, and a timer that checks the supervisor. */
class Membership {
  readonly #files: PrivateFiles;
  readonly #serverPath: string | undefined;
  #connection: SocketClient | undefined;
  #supervisor: ProcessRecord | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  #repairing: Promise<void> | undefined;
  /** When this process last reconnected after a crash of the server. */
  #rejoinedAt = Number.NEGATIVE_INFINITY;

  constructor(files: PrivateFiles, serverPath: string | undefined) {
    this.#files = files;
    this.#serverPath = serverPath;
  }

  async join(): Promise<string> {
    const supervisor = await withFileLock(this.#files.lock, () => this.#joinWithLock());
    await this.#waitUntilServing();
    this.#checkTimer = setInterval(() => this.#repair(), CHECK_EVERY_MS).unref();
    return supervisor.socket;
  }

  async leave(): Promise<void> {
    clearInterval(this.#checkTimer);
    await this.#repairing;
    this.#connection?.keepProcessAlive(true);
    try {
      await withFileLock(this.#files.lock, () => this.#leaveWithLock());
    } finally {
      this.#connection?.close();
    }
  }

  /** Finds or starts a supervisor and connects to its server. The caller must hold the lock. */
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
        // A second connection of this process would count as another user in `leave`.
        this.#connection?.close();
        this.#connection = connection;
        this.#supervisor = supervisor;
        spawned?.release();
        return supervisor;
      }
      // A supervisor that was killed is replaced; one that gave up has logged the reason.
      if (performance.now() > deadline || (spawned && (await spawned.exitCode) !== null))
        throw createStartError(this.#files);
    }
  }

  async #waitUntilServing(): Promise<void> {
    for (;;) {
      const connection = this.#connection;
      try {
        connection?.keepProcessAlive(true);
        if (connection !== undefined && (await isServing(connection))) return;
      } catch {
        // The server ended while it loaded its data; its supervisor restarts it or has given up.
        await withFileLock(this.#files.lock, () => this.#joinWithLock());
      } finally {
        connection?.keepProcessAlive(false);
      }
      await sleep(POLL_MS);
    }
  }

  /** Replaces a supervisor that was killed and a connection that was lost. The next check tries again after a failure. */
  #repair(): void {
    const { supervisorRecord, lock } = this.#files;
    if (this.#repairing !== undefined) return;
    if (this.#connection?.isOpen && this.#supervisor !== undefined && isSameProcessAlive(this.#supervisor)) return;
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
    // A server that does not reply is about to crash or to restart; its supervisor handles it.
    const isInUse = this.#hasOtherUsers().catch(() => readLiveRecord(supervisorRecord) !== undefined);
    if (await isInUse) return;
    const supervisor = readLiveRecord(supervisorRecord);
    if (supervisor !== undefined) signalProcess(supervisor, "SIGTERM");
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    for (;;) {
      const server = readLiveRecord(serverRecord);
      const isSupervisorAlive = supervisor !== undefined && isSameProcessAlive(supervisor);
      if (server === undefined && !isSupervisorAlive) return;
      // A server whose supervisor was killed shuts down on SIGTERM.
      if (server !== undefined && !isSupervisorAlive) signalProcess(server, "SIGTERM");
      if (performance.now() > deadline) {
        throw new RunError(
          `the private Redis did not stop within ${STOP_TIMEOUT_MS / 1000} s (server ${server?.pid ?? "ended"}, supervisor ${supervisor?.pid ?? "ended"})`,
          `See its log: ${this.#files.redisLog}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /**
   * Checks several times: a connection that was just closed, by this process or by a child that ended, may still be
   * listed, and after a crash other users may not have reconnected yet.
   */
  async #hasOtherUsers(): Promise<boolean> {
    if (this.#connection?.isOpen !== true) await this.#joinWithLock();
    const connection = this.#connection;
    if (connection === undefined) return false;
    connection.keepProcessAlive(true);
    const own = await connection.command("CLIENT ID");
    for (let timesSeen = 0; timesSeen < 3; ) {
      const others = (await listUserConnections(connection)).filter((id) => id !== own);
      if (others.length > 0) timesSeen += 1;
      else if (performance.now() - this.#rejoinedAt >= RECONNECT_GRACE_MS) return false;
      await sleep(POLL_MS);
    }
    return true;
  }
}

/** A named connection to the supervisor's server; undefined if the supervisor ends first, or at the deadline. */
async function openUserConnection(supervisor: ProcessRecord, deadline: number): Promise<SocketClient | undefined> {
  for (;;) {
    try {
      return await SocketClient.open(supervisor.socket, `sluice:user:${process.pid}`);
    } catch {
      if (!isSameProcessAlive(supervisor) || performance.now() > deadline) return undefined;
      await sleep(POLL_MS);
    }
  }
}
