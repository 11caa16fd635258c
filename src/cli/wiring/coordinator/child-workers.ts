import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "#src/config/config.ts";

export interface ChildWorkers {
  /** Resolves when the first worker takes jobs; rejects if workers keep exiting before that. */
  readonly ready: Promise<void>;
  /** Resolves when all requested workers take jobs; never rejects. */
  readonly allReady: Promise<void>;
  /** Process ids of the running workers. */
  readonly pids: readonly number[];
  /** Makes the workers return their jobs, and resolves when all have exited. Idempotent. */
  stop(): Promise<void>;
}

export interface ChildWorkersOptions {
  readonly count: number;
  /** Receives the output of all workers. */
  readonly logFile: string;
  readonly configFile?: string;
  /** Once it aborts, workers that exit are not replaced: the signal may have reached the whole process group. */
  readonly signal: AbortSignal;
  /** A worker exited unexpectedly and is being replaced. */
  readonly onRestart: (reason: string) => void;
}

/** Delay before a worker is replaced; it doubles while workers keep exiting. */
const RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 10_000;

/**
 * Starts the worker processes of a command. They exit with it: `stop` sends SIGTERM, and if the parent is killed, its IPC
 * channel closes. A worker that exits unexpectedly is replaced.
 */
export function startChildWorkers(options: ChildWorkersOptions): ChildWorkers {
  const children = new Set<ChildProcess>();
  const ready = Promise.withResolvers<void>();
  const allReady = Promise.withResolvers<void>();
  let readyCount = 0;
  let stopping: Promise<void> | undefined;
  let consecutiveExits = 0;
  const log = openSync(options.logFile, "a");

  const start = () => {
    const entry = fileURLToPath(new URL("../../../../bin/sluice.js", import.meta.url));
    const config = options.configFile === undefined ? [] : ["--config", options.configFile];
    // The flags that bin/sluice.js gives to long-running commands; a child with an IPC channel can't replace itself.
    const flags = ["--max-semi-space-size=4", "--no-parallel-scavenge"];
    const child = spawn(process.execPath, [...flags, entry, "worker", "--child", ...config], {
      stdio: ["ignore", log, log, "ipc"],
      // Dashboard passwords; workers must not see them.
      env: childEnvironment({ SLUICE_VIEWER_PASSWORD: undefined, SLUICE_OPERATOR_PASSWORD: undefined }),
    });
    children.add(child);
    child.once("message", () => {
      consecutiveExits = 0;
      readyCount += 1;
      ready.resolve();
      if (readyCount === options.count) allReady.resolve();
    });
    child.once("error", () => undefined);
    child.once("exit", (code, signal) => {
      children.delete(child);
      if (stopping || options.signal.aborted) return;
      consecutiveExits += 1;
      if (consecutiveExits > 5 * options.count) {
        ready.reject(
          new Error(`workers exit as soon as they start (${signal ?? `exit code ${code}`}); see ${options.logFile}`),
        );
        return;
      }
      options.onRestart(signal ?? `exit code ${code}`);
      setTimeout(
        () => {
          if (!stopping && !options.signal.aborted) start();
        },
        Math.min(MAX_RESTART_DELAY_MS, RESTART_DELAY_MS * 2 ** (consecutiveExits - 1)),
      );
    });
  };

  for (let i = 0; i < options.count; i++) start();
  // Without its own workers, the command relies on workers that run elsewhere.
  if (options.count === 0) {
    ready.resolve();
    allReady.resolve();
  }
  return {
    ready: ready.promise,
    allReady: allReady.promise,
    get pids() {
      return [...children].flatMap((child) => child.pid ?? []);
    },
    stop() {
      stopping ??= stopAll(children).finally(() => closeSync(log));
      return stopping;
    },
  };
}

async function stopAll(children: ReadonlySet<ChildProcess>): Promise<void> {
  await Promise.all(
    [...children].map(async (child) => {
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await exited;
    }),
  );
}
