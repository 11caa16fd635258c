import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess, isSameProcessAlive, type ProcessIdentity, signalProcess } from "./process-identity.ts";
import { type PrivateFiles, readLiveRecord, writeRecord } from "./server-files.ts";
import { isServing, SocketClient } from "./socket-client.ts";

/** A running server, started by this supervisor or adopted. */
export interface SupervisedServer {
  readonly identity: ProcessIdentity;
  readonly socket: string;
  /** `exited` if its exit code was 0, else `crashed`. Always `crashed` for an adopted server, whose exit code is unknown. */
  readonly ended: Promise<"exited" | "crashed">;
}

const POLL_MS = 50;
/** How long an existing server may not reply before it is killed. A server that is loading its data replies. */
const ADOPTION_TIMEOUT_MS = 10_000;
/** How long a server may take to write its data when it is stopped. */
const SHUTDOWN_TIMEOUT_MS = 60_000;

/**
 * The server that an earlier supervisor left running, or undefined. Two servers would destroy their common append-only
 * file, so a server that does not reply is killed first.
 */
export async function adoptServer(
  files: PrivateFiles,
  socket: string,
  supervisorName: string,
): Promise<SupervisedServer | undefined> {
  const record = readLiveRecord(files.serverRecord);
  if (record === undefined) return undefined;
  const deadline = performance.now() + ADOPTION_TIMEOUT_MS;
  while (isSameProcessAlive(record)) {
    if (await isResponding(socket, supervisorName)) {
      return { identity: record, socket, ended: waitForExit(record).then(() => "crashed") };
    }
    if (performance.now() > deadline) signalProcess(record, "SIGKILL");
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Starts a server and writes its record. The server may still load its data or fail afterwards. */
export function startServer(files: PrivateFiles, serverPath: string, socket: string): SupervisedServer {
  const log = openSync(files.redisLog, "a", 0o600);
  const child = spawn(serverPath, serverSettings(files, socket), {
    cwd: files.data,
    // Its own session: a signal to the supervisor's process group must not stop the server.
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const ended = new Promise<"exited" | "crashed">((resolve) => {
    child.once("error", () => resolve("crashed"));
    child.once("exit", (code) => resolve(code === 0 ? "exited" : "crashed"));
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) return { identity: { pid: child.pid ?? 0, startedAt: "" }, socket, ended };
  writeRecord(files.serverRecord, { ...identity, socket });
  return { identity, socket, ended };
}

/** Shuts the server down with its data on disk, and waits until the process has ended. */
export async function stopServer(server: SupervisedServer, client: SocketClient | undefined): Promise<void> {
  const exited = waitForExit(server.identity);
  const shutdownReply =
    client?.isOpen === true ? client.command("SHUTDOWN") : Promise.reject(new Error("not connected"));
  // The server replies only if it cannot shut down; otherwise it closes the connection.
  shutdownReply.catch(() => signalProcess(server.identity, "SIGTERM"));
  const killTimer = setTimeout(() => signalProcess(server.identity, "SIGKILL"), SHUTDOWN_TIMEOUT_MS);
  await exited;
  clearTimeout(killTimer);
}

/** Arguments of a server that only this user can reach and that persists all writes. */
function serverSettings(files: PrivateFiles, socket: string): string[] {
  const settings: readonly (readonly [string, string])[] = [
    ["port", "0"],
    ["unixsocket", socket],
    ["unixsocketperm", "600"],
    ["daemonize", "no"],
    ["dir", files.data],
    ["logfile", files.redisLog],
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    ["save", ""],
    // Streams of vectors are trimmed all the time; rewriting a file below this size only costs time.
    ["auto-aof-rewrite-min-size", "256mb"],
    ["maxmemory", String(memoryLimit())],
    ["maxmemory-policy", "noeviction"],
    ["databases", "1"],
    ["timeout", "0"],
  ];
  return settings.flatMap(([name, value]) => [`--${name}`, value]);
}

/** Half of the memory available to this process, in bytes: refused writes are better than an out-of-memory machine. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(memory / 2);
}

async function isResponding(socket: string, name: string): Promise<boolean> {
  try {
    const client = await SocketClient.open(socket, name);
    await isServing(client).finally(() => client.close());
    return true;
  } catch {
    return false;
  }
}

async function waitForExit(identity: ProcessIdentity): Promise<void> {
  while (isSameProcessAlive(identity)) await sleep(POLL_MS);
}
