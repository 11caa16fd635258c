// Supervises the private Redis of one folder. Started detached by `startPrivateRedis`:
//   node supervisor.ts <folder> <redis-server> <socket>
// Starts the server, or adopts one that an earlier supervisor left running, and restarts it when it crashes. Stops the
// server and ends on SIGTERM, or when no user has been connected for 5 seconds.
import { statSync, truncateSync } from "node:fs";
import { coerceError, errorCode } from "#src/core/failures/errors.ts";
import { releaseFileLock, tryFileLock } from "./file-lock.ts";
import { type PrivateFiles, removeRecord, resolvePrivateFiles } from "./server-files.ts";
import { isServing, listUserConnections, SocketClient } from "./socket-client.ts";
import { adoptServer, type SupervisedServer, startServer, stopServer } from "./supervised-server.ts";

/** Users that lost their connection in a crash of the server reconnect well within this time. */
const GRACE_MS = 5_000;
const TICK_MS = 250;
const START_TICK_MS = 20;
/** Consecutive starts that fail before the server replies; after them, the supervisor gives up. */
const MAX_FAILED_STARTS = 5;
const RESTART_BACKOFF_MS = 50;
const REDIS_LOG_LIMIT = 10 * 2 ** 20;

const name = `sluice:supervisor:${process.pid}`;
let isStopRequested = false;
let wake = () => {};

/** Waits for `ms`, or until `wake` is called. (`Promise.race` with long-lived promises would leak memory.) */
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

/** Resolves with true when the server is not needed any more, and with false if it cannot be started. */
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
  /** Whether the server ever accepted commands. */
  readonly hasServed: boolean;
}

/** Watches one server until it ends, or stops it when it is no longer needed. */
async function watchServer(files: PrivateFiles, server: SupervisedServer): Promise<ServerEnd> {
  let ended: "exited" | "crashed" | undefined;
  server.ended.then(
    (reason) => {
      ended = reason;
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

/** Undefined if the server does not reply. */
async function countUserConnections(client: SocketClient): Promise<number | undefined> {
  return listUserConnections(client).then(
    (users) => users.length,
    () => undefined,
  );
}

/** While this process holds the lock, no user can join. If another process holds it, the next tick tries again. */
async function stopIfUnused(files: PrivateFiles, server: SupervisedServer, client: SocketClient): Promise<boolean> {
  if (!tryLock(files)) return false;
  try {
    if ((await countUserConnections(client)) !== 0) return false;
    log("no users left");
    await stopServer(server, client);
    removeSupervisorRecord(files);
    return true;
  } finally {
    releaseFileLock(files.lock);
  }
}

/** A deleted folder needs no lock, because no user can join it. */
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

/** Redis opens its log for every line, so the file may be truncated while it runs. */
function trimRedisLog(files: PrivateFiles): void {
  try {
    if (statSync(files.redisLog).size > REDIS_LOG_LIMIT) truncateSync(files.redisLog);
  } catch {
    // The folder was deleted; the server continues until its users leave.
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
// Ctrl-C and a closed terminal concern the users only.
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
