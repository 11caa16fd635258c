import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { coerceError, RunError } from "#src/core/errors.ts";
import { identifyProcess } from "./process-identity.ts";
import { findServerBinary } from "./server-binary.ts";
import { chooseSocket, type PrivateFiles, type ProcessRecord, writeRecord } from "./server-files.ts";

const SUPERVISOR_LOG_LIMIT = 2 ** 20;

export interface SpawnedSupervisor {
  readonly record: ProcessRecord;
  /** Resolves when it has ended: with null when a signal ended it. */
  readonly exitCode: Promise<number | null>;
  /** From now on it does not keep this process from ending. */
  release(): void;
}

/**
 * Starts a keeper that outlives this process and its terminal, and records it. Only under the lock, and only when no
 * keeper lives.
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
    // No environment: a process that lives this long must not carry the provider keys of whoever started it.
    { cwd: files.base, env: {}, detached: true, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const exitCode = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code));
  });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw startFailure(files);
  const record = { ...identity, socket };
  writeRecord(files.supervisorRecord, record);
  return { record, exitCode, release: () => child.unref() };
}

/** Why a keeper gave up, as far as the logs tell. */
export function startFailure(files: PrivateFiles): RunError {
  return new RunError(
    `the private Redis does not start; the end of its log says:\n${readLogTail(files.redisLog)}\n${readLogTail(files.supervisorLog)}`.trim(),
    `Free disk space or mend what the log names (${files.redisLog}), or set REDIS_URL to another Redis.`,
  );
}

function readLogTail(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-6).join("\n");
  } catch (error) {
    return `(${coerceError(error).message})`;
  }
}
