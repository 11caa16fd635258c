import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "#src/config/config.ts";

export interface ChildWorkers {
  /** Resolves when the first worker takes jobs; rejects when all of them end before that. */
  readonly ready: Promise<void>;
  /** Resolves when as many workers as were asked for have taken up work; never rejects. */
  readonly allReady: Promise<void>;
  /** Process ids of the workers alive. */
  readonly pids: readonly number[];
  /** Has them hand back their jobs, and resolves when all are gone. Idempotent. */
  stop(): Promise<void>;
}

export interface ChildWorkersOptions {
  readonly count: number;
  /** Where their logs go. */
  readonly logFile: string;
  readonly configFile?: string;
  /** Once it aborts, workers that end are not replaced: whoever stops this command may stop its whole group. */
  readonly signal: AbortSignal;
  /** A worker ended by itself and was replaced. */
  readonly onRestart: (reason: string) => void;
}

/** Pause before a worker that died is replaced, doubling while they keep dying. */
const RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 10_000;

/**
 * Worker processes of this command. They end with it: an orderly stop tells them, and a killed parent closes the
 * channel they watch. One that dies is replaced.
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
    const entry = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));
    const config = options.configFile === undefined ? [] : ["--config", options.configFile];
    const child = spawn(process.execPath, ["--max-semi-space-size=4", entry, "worker", "--child", ...config], {
      stdio: ["ignore", log, log, "ipc"],
      // They open the door of a dashboard, and no worker's.
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
          new Error(`workers end as soon as they start (${signal ?? `exit code ${code}`}), see ${options.logFile}`),
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
  // Without workers of its own, the command relies on others'.
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
