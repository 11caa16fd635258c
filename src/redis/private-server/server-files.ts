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
import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { isSameProcessAlive, type ProcessIdentity, parseProcessIdentity } from "./process-identity.ts";

/** Files of the private Redis of one folder. */
export interface PrivateFiles {
  /** `<dir>/.sluice/redis`, accessible to its owner only. */
  readonly base: string;
  /** Folder of the append-only file. */
  readonly data: string;
  readonly lock: string;
  readonly supervisorRecord: string;
  readonly serverRecord: string;
  readonly supervisorLog: string;
  readonly redisLog: string;
}

/** A process of the private Redis (supervisor or server), and the server's socket. */
export interface ProcessRecord extends ProcessIdentity {
  readonly socket: string;
}

/** The system limits the path of a socket to 104 (macOS) or 108 (Linux) bytes. */
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

/** Creates the folders below `dir`. Throws a RunError if that is impossible. */
export function preparePrivateFiles(dir: string): PrivateFiles {
  try {
    const base = join(realpathSync(dir), ".sluice", "redis");
    const files = resolvePrivateFiles(base);
    mkdirSync(files.data, { recursive: true, mode: 0o700 });
    // The folder may have been created with another mode by something else.
    chmodSync(base, 0o700);
    return files;
  } catch (error) {
    throw new RunError(
      `the private Redis cannot store its data below ${dir}: ${coerceError(error).message}`,
      "Run Sluice in a writable folder, or set REDIS_URL.",
      error,
    );
  }
}

/**
 * The socket path of this folder's server: inside the folder or, if that path is too long, in a private folder below the
 * system's temporary folder. Processes may have different TMPDIRs, so the path that an earlier process chose is kept.
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

/** In a world-writable folder such as /tmp, another user could have created the folder first. */
function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (stats.isDirectory() && stats.uid === (process.getuid?.() ?? stats.uid) && (stats.mode & 0o077) === 0) return;
  throw new RunError(
    `${folder} is accessible to other users, so the private Redis cannot create its socket there`,
    "Delete it, set TMPDIR to a private folder, or run Sluice in a folder with a shorter path.",
  );
}

/** Undefined if the record is missing or malformed. */
export function readRecord(path: string): ProcessRecord | undefined {
  try {
    const record = parseProcessIdentity(readFileSync(path, "utf8"));
    if (record === undefined || typeof record.socket !== "string") return undefined;
    return { pid: record.pid, startedAt: record.startedAt, socket: record.socket };
  } catch {
    return undefined;
  }
}

/** The recorded process, if it is alive. */
export function readLiveRecord(path: string): ProcessRecord | undefined {
  const record = readRecord(path);
  return record !== undefined && isSameProcessAlive(record) ? record : undefined;
}

/** Atomic: readers never see a partial record. */
export function writeRecord(path: string, record: ProcessRecord): void {
  const temporaryPath = `${path}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporaryPath, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporaryPath, path);
}

/** Removes the record unless it describes another process now. */
export function removeRecord(path: string, identity: ProcessIdentity): void {
  if (readRecord(path)?.pid === identity.pid) rmSync(path, { force: true });
}
