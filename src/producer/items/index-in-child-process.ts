import { fork } from "node:child_process";
import { addAbortListener, once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { RunError } from "#src/core/failures/errors.ts";
import type { IndexProgress } from "./search-index.ts";

/** A message of the process. */
export interface IndexMessage {
  readonly progress?: IndexProgress;
  readonly isComplete?: true;
  readonly error?: string;
}

/**
 * Calls `updateSearchIndex` in a child process, which ends with this process or when the signal aborts. Rejects with a
 * RunError when the index cannot be written.
 */
export async function updateIndexInChildProcess(
  dir: string,
  onProgress: (progress: IndexProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const entry = fileURLToPath(new URL(`./index-process${extname(import.meta.url)}`, import.meta.url));
  const child = fork(entry, [dir], {
    execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  using _ = addAbortListener(signal, () => void child.kill());
  let last: IndexMessage = {};
  child.on("message", (message: IndexMessage) => {
    last = message;
    if (message.progress) onProgress(message.progress);
  });
  const [code, killedBy] = await once(child, "exit");
  if (last.isComplete === true) return;
  throw new RunError(last.error ?? `the process that builds the search index exited early (${killedBy ?? code})`);
}
