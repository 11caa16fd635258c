// Registers the processes and folders that a benchmark creates, and removes them when it ends, even after a crash or a signal.
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listDescendants } from "./process-tree.ts";

const folders = new Set<string>();
const children = new Set<ChildProcess>();
/** Processes that outlive their parents: a private Redis and its supervisor. */
const detachedPids = new Set<number>();

/** Creates a temporary folder that is removed at the end. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-sluice-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  folders.delete(folder);
}

/** Registers a process that must not outlive the benchmark. */
export function registerChild<T extends ChildProcess>(child: T): T {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Registers a descendant of a registered process. */
export function registerDetachedProcess(pid: number): void {
  detachedPids.add(pid);
}

/** For a process that has exited: its PID may be reused. */
export function unregisterDetachedProcess(pid: number): void {
  detachedPids.delete(pid);
}

function cleanUp(): void {
  const pidsToKill = new Set<number>();
  for (const { pid } of children) {
    if (pid === undefined) continue;
    for (const descendant of listDescendants(pid)) pidsToKill.add(descendant);
    pidsToKill.add(pid);
  }
  for (const pid of detachedPids) pidsToKill.add(pid);
  for (const pid of pidsToKill) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has exited.
    }
  }
  for (const folder of [...folders]) removeFolder(folder);
}

/** Installs the handlers that clean up on exit, on a crash, and on SIGINT, SIGTERM and SIGHUP. */
export function cleanUpAtExit(): void {
  process.on("exit", cleanUp);
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}
