// Keeps the private Redis of one folder alive while anybody uses it. Started detached by `startPrivateRedis`:
//   node supervisor.ts <folder> <redis-server> <socket>
// It starts the server, or adopts one that an earlier keeper left; restarts it when it crashes; and ends it, and
// itself, on SIGTERM or when no user has been connected for some seconds.
import { statSync, truncateSync } from "node:fs";
import { coerceError, errorCode } from "#src/core/errors.ts";
import { releaseFileLock, tryFileLock } from "./file-lock.ts";
import { type PrivateFiles, removeRecord, resolvePrivateFiles } from "./server-files.ts";
import { isServing, listUserConnections, SocketClient } from "./socket-client.ts";
import { adoptServer, type SupervisedServer, startServer, stopServer } from "./supervised-server.ts";

/** A user that lost its connection, by a crash of the server, is back well within this time. */
const GRACE_MS = 5_000;
const TICK_MS = 250;
const START_TICK_MS = 20;
/** Starts that end before the server ever answers; then the reason is in its log and trying on is useless. */
const MAX_FAILED_STARTS = 5;
const RESTART_BACKOFF_MS = 50;
const REDIS_LOG_LIMIT = 10 * 2 ** 20;

const name = `sluice:supervisor:${process.pid}`;
let isStopRequested = false;
let wake = () => {};

/** Waits, unless something happens that the loop must look at. (Racing against long-lived promises would leak.) */
function sleepUntilWoken(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

function log(message: string): void {
  process.stdout.write(`${new Date().toISOString()} ${process.pid} ${message}\n`);
}

/** Resolves when nobody needs the server any more; false when it cannot be started. */
async function superviseServer(files: PrivateFiles, serverPath: string, socket: string): Promise<boolean> {
  for (let failures = 0; failures < MAX_FAILED_STARTS; ) {
    const adoptedServer = await adoptServer(files, socket, name);
    if (isStopRequested && adoptedServer === undefined) return true;
    const server = adoptedServer ?? startServer(files, serverPath, socket);
    log(`${adoptedServer === undefined ? "started" : "adopted"} server ${server.identity.pid} on ${server.socket}`);
    const { endReason, hasServed } = await watchServer(files, server);
    log(`server ${server.identity.pid} ${endReason}`);
    removeRecord(files.serverRecord, server.identity);
    if (endReason !== "crashed") return true;
    failures = hasServed ? 0 : failures + 1;
    await sleepUntilWoken(RESTART_BACKOFF_MS * 2 ** failures);
  }
  return false;
}

interface ServerEnd {
  readonly endReason: "stopped" | "exited" | "crashed";
  /** Whether it ever got as far as taking commands. */
  readonly hasServed: boolean;
}

/** Watches one server until it ends, by itself or because it is no longer needed. */
async function watchServer(files: PrivateFiles, server: SupervisedServer): Promise<ServerEnd> {
  let ended: "exited" | "crashed" | undefined;
  server.ended.then(
    (how) => {
      ended = how;
      wake();
    },
    () => {},
  );
  let client: SocketClient | undefined;
  let hasServed = false;
  let lastUserAt = performance.now();
  while (ended === undefined) {
    client = client?.isOpen ? client : await SocketClient.open(server.socket, name).catch(() => undefined);
    if (isStopRequested) {
      await stopServer(server, client);
      return { endReason: "stopped", hasServed };
    }
    if (client !== undefined && (await countUserConnections(client)) !== 0) lastUserAt = performance.now();
    if (client !== undefined && !hasServed) {
      hasServed = await isServing(client).catch(() => false);
      lastUserAt = performance.now();
    }
    if (client !== undefined && performance.now() - lastUserAt >= GRACE_MS) {
      if (await stopIfUnused(files, server, client)) return { endReason: "stopped", hasServed };
      lastUserAt = performance.now();
    }
    trimRedisLog(files);
    if (ended === undefined) await sleepUntilWoken(hasServed ? TICK_MS : START_TICK_MS);
  }
  client?.close();
  return { endReason: ended, hasServed };
}

/** Undefined when the server does not answer: then nobody can say that it has no users. */
async function countUserConnections(client: SocketClient): Promise<number | undefined> {
  return listUserConnections(client).then(
    (users) => users.length,
    () => undefined,
  );
}

/** Under the lock nobody can be joining; without it, somebody is, or is leaving, and the next tick sees how it went. */
async function stopIfUnused(files: PrivateFiles, server: SupervisedServer, client: SocketClient): Promise<boolean> {
  if (!tryLock(files)) return false;
  try {
    if ((await countUserConnections(client)) !== 0) return false;
    log("no users are left");
    await stopServer(server, client);
    removeSupervisorRecord(files);
    return true;
  } finally {
    releaseFileLock(files.lock);
  }
}

/** A folder that was removed cannot be joined any more, so it needs no lock. */
function tryLock(files: PrivateFiles): boolean {
  try {
    return tryFileLock(files.lock);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return true;
    throw error;
  }
}

function removeSupervisorRecord(files: PrivateFiles): void {
  removeRecord(files.supervisorRecord, { pid: process.pid, startedAt: "" });
}

/** Redis opens its log for every line, so it can be emptied under its feet. */
function trimRedisLog(files: PrivateFiles): void {
  try {
    if (statSync(files.redisLog).size > REDIS_LOG_LIMIT) truncateSync(files.redisLog);
  } catch {
    // The folder was removed; the server goes on without it until its users leave.
  }
}

const [base, serverPath, socket] = process.argv.slice(2);
if (base === undefined || serverPath === undefined || socket === undefined) {
  throw new Error("usage: node supervisor.ts <folder> <redis-server> <socket>");
}
process.title = "sluice-supervisor";
process.on("SIGTERM", () => {
  isStopRequested = true;
  wake();
});
// Ctrl-C and a closed terminal are the users' affair.
process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
const files = resolvePrivateFiles(base);
try {
  process.exitCode = (await superviseServer(files, serverPath, socket)) ? 0 : 1;
} catch (error) {
  log(`gave up: ${coerceError(error).message}`);
  process.exitCode = 1;
} finally {
  removeSupervisorRecord(files);
}
