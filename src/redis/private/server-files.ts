import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { coerceError, RunError } from "#src/core/errors.ts";
import { isProcessAlive, type ProcessIdentity } from "./process-identity.ts";

/** Where the private server of one folder keeps its things. */
export interface PrivateFiles {
  /** `<dir>/.sluice/redis`, readable by its owner only. */
  readonly base: string;
  /** The append-only file. */
  readonly data: string;
  readonly lock: string;
  readonly supervisorRecord: string;
  readonly serverRecord: string;
  readonly supervisorLog: string;
  readonly redisLog: string;
}

/** A process of the private server, and the socket it serves. */
export interface ProcessRecord extends ProcessIdentity {
  readonly socket: string;
}

/** A socket's path must fit into the system's 104 (macOS) or 108 (Linux) bytes. */
const MAX_SOCKET_PATH_BYTES = 100;

export function resolvePrivateFiles(base: string): PrivateFiles {
  return {
    base,
    data: join(base, "data"),
    lock: join(base, "lock"),
    supervisorRecord: join(base, "supervisor.json"),
    serverRecord: join(base, "server.json"),
    supervisorLog: join(base, "supervisor.log"),
    redisLog: join(base, "redis.log"),
  };
}

/** Creates the folders below `dir`; throws a RunError when that is not possible. */
export function preparePrivateFiles(dir: string): PrivateFiles {
  try {
    const base = join(realpathSync(dir), ".sluice", "redis");
    const files = resolvePrivateFiles(base);
    mkdirSync(files.data, { recursive: true, mode: 0o700 });
    // The folder may be older than this program's care for its mode.
    chmodSync(base, 0o700);
    return files;
  } catch (error) {
    throw new RunError(
      `the private Redis cannot keep its data below ${dir}: ${coerceError(error).message}`,
      "Run Sluice in a folder you may write to, or set REDIS_URL.",
      error,
    );
  }
}

/**
 * The socket of this folder's server: inside the folder, or, where that path is too long for a socket, in a folder
 * of our own below the system's temporary one. Processes may differ in their TMPDIR, so what an earlier one chose
 * is kept.
 */
export function chooseSocket(files: PrivateFiles): string {
  const inside = join(files.base, "redis.sock");
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside;
  const hash = createHash("sha256").update(files.base).digest("hex").slice(0, 16);
  const name = `sluice-${process.getuid?.() ?? 0}-${hash}`;
  const earlier = readRecord(files.serverRecord)?.socket ?? readRecord(files.supervisorRecord)?.socket;
  const folder = earlier !== undefined && basename(dirname(earlier)) === name ? dirname(earlier) : join(tmpdir(), name);
  ensurePrivateFolder(folder);
  return join(folder, "redis.sock");
}

/** In a folder that anybody may write to, somebody else could have made ours first. */
function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o077) === 0) return;
  throw new RunError(
    `${folder} is not a folder of this user's alone, so the private Redis cannot put its socket there`,
    "Remove it, set TMPDIR to a folder of your own, or run Sluice in a folder with a shorter path.",
  );
}

/** Undefined when there is no record, or it cannot be read. */
export function readRecord(path: string): ProcessRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    if (!("pid" in value && "startedAt" in value && "socket" in value)) return undefined;
    const { pid, startedAt, socket } = value;
    if (typeof pid !== "number" || typeof startedAt !== "string" || typeof socket !== "string") return undefined;
    return { pid, startedAt, socket };
  } catch {
    return undefined;
  }
}

/** The recorded process, if it still runs. */
export function readLiveRecord(path: string): ProcessRecord | undefined {
  const record = readRecord(path);
  return record !== undefined && isProcessAlive(record) ? record : undefined;
}

/** Whole or not at all: a reader never sees half a record. */
export function writeRecord(path: string, record: ProcessRecord): void {
  const temporaryPath = `${path}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporaryPath, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporaryPath, path);
}

/** Removes the record unless it is about another process by now. */
export function removeRecord(path: string, identity: ProcessIdentity): void {
  if (readRecord(path)?.pid === identity.pid) rmSync(path, { force: true });
}
