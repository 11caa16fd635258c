// Whatever a bench starts or makes is noted here and gone when the bench ends, however it ends.
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listDescendants } from "./process-tree.ts";

const folders = new Set<string>();
const children = new Set<ChildProcess>();
/** Processes that outlive their parents: a private Redis and its keeper. */
const detachedPids = new Set<number>();

/** A fresh folder that is removed at the end. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-sluice-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  folders.delete(folder);
}

/** Notes a process that must not outlive the bench. */
export function registerChild<T extends ChildProcess>(child: T): T {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Notes a process seen below an adopted one. */
export function registerDetachedProcess(pid: number): void {
  detachedPids.add(pid);
}

/** The process was seen to be gone: its number may be another's by now. */
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
      // Gone already.
    }
  }
  for (const folder of [...folders]) removeFolder(folder);
}

/** From now on an interrupt, a crash or the end of the bench cleans up. */
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
