import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Identifies a process, and not a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own format; only for comparison. */
  readonly startedAt: string;
}

/**
 * A process identity, and the other fields of its JSON object; undefined for any other text. Checked by hand, because a
 * schema library would add to the memory of every supervisor.
 */
export function parseProcessIdentity(text: string): (ProcessIdentity & Readonly<Record<string, unknown>>) | undefined {
  try {
    const { pid, startedAt, ...rest } = JSON.parse(text);
    return typeof pid === "number" && typeof startedAt === "string" ? { ...rest, pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined if the process does not exist or is a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? readStartFromProc(pid) : readStartFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isSameProcessAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends `signal` unless the process has ended, even if another process has its pid now. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isSameProcessAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // The process ended after the check.
  }
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. The name in field 2 may contain spaces and parentheses. */
function readStartFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function readStartFromPs(pid: number): string | undefined {
  const { stdout } = spawnSync("/bin/ps", ["-o", "state=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { LC_ALL: "C" },
  });
  const line = (stdout ?? "").trim();
  return line === "" || line.startsWith("Z") ? undefined : line.slice(line.indexOf(" ") + 1).trim();
}
