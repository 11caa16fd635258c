import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess, isProcessAlive, type ProcessIdentity, signalProcess } from "./process-identity.ts";
import { type PrivateFiles, readLiveRecord, writeRecord } from "./server-files.ts";
import { isServing, SocketClient } from "./socket-client.ts";

/** A running server, whoever started it. */
export interface SupervisedServer {
  readonly identity: ProcessIdentity;
  readonly socket: string;
  /** How it ended: `exited` in an orderly way, or `crashed`. For a server started by another keeper always `crashed`. */
  readonly ended: Promise<"exited" | "crashed">;
}

const POLL_MS = 50;
/** How long a server found running may stay silent before it is taken for hung. Loading its data counts as talking. */
const ADOPTION_TIMEOUT_MS = 10_000;
/** How long a server may take to write out its data when it is stopped. */
const SHUTDOWN_TIMEOUT_MS = 60_000;

/**
 * The server that an earlier keeper left behind, or undefined. Two servers on one append-only file would destroy it,
 * so one that runs but does not answer is killed first.
 */
export async function adoptServer(
  files: PrivateFiles,
  socket: string,
  supervisorName: string,
): Promise<SupervisedServer | undefined> {
  const record = readLiveRecord(files.serverRecord);
  if (record === undefined) return undefined;
  const deadline = performance.now() + ADOPTION_TIMEOUT_MS;
  while (isProcessAlive(record)) {
    if (await isResponding(socket, supervisorName)) {
      return { identity: record, socket, ended: waitForExit(record).then(() => "crashed") };
    }
    if (performance.now() > deadline) signalProcess(record, "SIGKILL");
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Starts a server and records it; it may still be loading its data, or be about to fail. */
export function startServer(files: PrivateFiles, serverPath: string, socket: string): SupervisedServer {
  const log = openSync(files.redisLog, "a", 0o600);
  const child = spawn(serverPath, serverSettings(files, socket), {
    cwd: files.data,
    // Its own session: what ends the keeper's process group must not end the data.
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

/** Ends the server with its data on disk, and waits until it is gone. */
export async function stopServer(server: SupervisedServer, client: SocketClient | undefined): Promise<void> {
  const ending = waitForExit(server.identity);
  const shutdownReply =
    client?.isOpen === true ? client.command("SHUTDOWN") : Promise.reject(new Error("not connected"));
  // It answers only when it cannot shut down; a lost connection is the good outcome.
  shutdownReply.catch(() => signalProcess(server.identity, "SIGTERM"));
  const late = setTimeout(() => signalProcess(server.identity, "SIGKILL"), SHUTDOWN_TIMEOUT_MS);
  await ending;
  clearTimeout(late);
}

/** The name=value arguments of a server that nobody outside this user can reach and that forgets nothing. */
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
    // A stream of vectors passes through and is trimmed; below this size, rewriting the file only costs time.
    ["auto-aof-rewrite-min-size", "256mb"],
    ["maxmemory", String(memoryLimit())],
    ["maxmemory-policy", "noeviction"],
    ["databases", "1"],
    ["timeout", "0"],
  ];
  return settings.flatMap(([name, value]) => [`--${name}`, value]);
}

/** Half of the memory this process may have, in bytes: refused writes are better than a machine out of memory. */
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
  while (isProcessAlive(identity)) await sleep(POLL_MS);
}
