import { fork } from "node:child_process";
import { addAbortListener, once } from "node:events";
import module from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, RunError } from "#src/core/failures/errors.ts";
import type { SourceOptions } from "#src/producer/input/source.ts";
import type { Plan, PlanProgress } from "#src/producer/plan/plan.ts";
import type { PlanHooks } from "#src/producer/plan/plan-items.ts";
import { removePartialDatabase } from "#src/producer/storage/item-writer.ts";

/** The request to the planning process. It is plain data, so the process reads stdin by itself. */
export interface PlanRequest {
  readonly options: Omit<SourceOptions, "stdin">;
  readonly dir: string;
  /** Folder of Node's compile cache. */
  readonly cache: string | undefined;
}

/** A message of the planning process. */
export type PlanMessage =
  | { readonly type: "progress"; readonly progress: PlanProgress }
  | { readonly type: "plan"; readonly plan: Plan }
  | { readonly type: "refused"; readonly name: string; readonly message: string; readonly hint?: string };

/** A child that does not stop within this time, because it is indexing millions of items for example, is killed. */
const STOP_TIMEOUT_MS = 500;

/**
 * Runs `planItems` in a child process. The memory that reading and chunking millions of texts needs is freed with it, and
 * the command's own process can start the rest of the run meanwhile. The child exits when this process ends for any
 * reason. Rejects as `planItems` does.
 */
export async function planInChildProcess(options: SourceOptions, dir: string, hooks: PlanHooks): Promise<Plan> {
  const { onProgress, signal } = hooks;
  signal?.throwIfAborted();
  const { stdin, ...planOptions } = options;
  const readsStdin = stdin !== undefined && options.paths.includes("-");
  const child = fork(fileURLToPath(new URL(`./plan-process${extname(import.meta.url)}`, import.meta.url)), {
    execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
    stdio: [readsStdin ? "inherit" : "ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  let killTimer: NodeJS.Timeout | undefined;
  using _ =
    signal &&
    addAbortListener(signal, () => {
      if (child.connected) child.disconnect();
      killTimer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    });
  let last: PlanMessage | undefined;
  child.on("message", (message: PlanMessage) => {
    last = message;
    if (message.type === "progress") onProgress?.(message.progress);
  });
  child.send({ options: planOptions, dir, cache: module.getCompileCacheDir() } satisfies PlanRequest);
  try {
    const [code, killedBy] = await exited;
    if (killedBy === "SIGKILL") await removePartialDatabase(dir);
    signal?.throwIfAborted();
    if (last?.type === "plan") return last.plan;
    throw last?.type === "refused" ? toError(last) : createExitError(killedBy ?? `exit code ${code}`);
  } finally {
    clearTimeout(killTimer);
  }
}

function toError({ name, message, hint }: PlanMessage & { readonly type: "refused" }): Error {
  if (name === "InputError") return new InputError(message);
  if (name === "RunError") return new RunError(message, hint);
  return new Error(message);
}

function createExitError(how: string): RunError {
  return new RunError(
    `the process that reads the input exited early (${how}); nothing was sent`,
    "Run the same command again, with more memory if the system ran out of it.",
  );
}
