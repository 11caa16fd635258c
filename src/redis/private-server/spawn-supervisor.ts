import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { identifyProcess } from "./process-identity.ts";
import { findServerBinary } from "./server-binary.ts";
import { chooseSocket, type PrivateFiles, type ProcessRecord, writeRecord } from "./server-files.ts";

const SUPERVISOR_LOG_LIMIT = 2 ** 20;

export interface SpawnedSupervisor {
  readonly record: ProcessRecord;
  /** Resolves with the exit code when it has ended; null if a signal ended it. */
  readonly exitCode: Promise<number | null>;
  /** Allows this process to end before the supervisor. */
  release(): void;
}

/**
 * Starts a supervisor that outlives this process and its terminal, and writes its record. The caller must hold the lock
 * and have checked that no supervisor is alive.
 */
export async function spawnSupervisor(files: PrivateFiles, serverPath: string | undefined): Promise<SpawnedSupervisor> {
  const program = await findServerBinary(serverPath);
  const socket = chooseSocket(files);
  const log = openSync(files.supervisorLog, "a", 0o600);
  if (statSync(files.supervisorLog).size > SUPERVISOR_LOG_LIMIT) truncateSync(files.supervisorLog);
  const supervisor = fileURLToPath(new URL(`./supervisor${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--max-old-space-size=32",
      "--max-semi-space-size=1",
      "--disable-warning=ExperimentalWarning",
      supervisor,
      files.base,
      program,
      socket,
    ],
    // No environment: a process that lives this long must not contain the provider keys of the command that started it.
    { cwd: files.base, env: {}, detached: true, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const exitCode = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code));
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw createStartError(files);
  const record = { ...identity, socket };
  writeRecord(files.supervisorRecord, record);
  return { record, exitCode, release: () => child.unref() };
}

/** The error for a supervisor that gave up, with the end of the logs. */
export function createStartError(files: PrivateFiles): RunError {
  return new RunError(
    `the private Redis does not start. The end of its logs:\n${readLogTail(files.redisLog)}\n${readLogTail(files.supervisorLog)}`.trim(),
    `Free disk space, or fix the problem shown in ${files.redisLog}, or set REDIS_URL to another Redis.`,
  );
}

function readLogTail(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-6).join("\n");
  } catch (error) {
    return `(${coerceError(error).message})`;
  }
}
