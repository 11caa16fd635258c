// Reads the CPU time and peak memory of processes, and their descendants, from /proc (Linux).
import { readdirSync, readFileSync } from "node:fs";

interface Stat {
  readonly parent: number;
  /** CPU time of the process itself. */
  readonly cpuMs: number;
  /** CPU time of descendants that have exited and been waited for. */
  readonly exitedChildrenMs: number;
}

/** The kernel reports CPU time in ticks of 10 ms, independent of its timer frequency. */
const TICK_MS = 10;

function readStat(pid: number | "self"): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The process name may contain spaces and parentheses; the fields after its last parenthesis do not.
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const at = (n: number) => fields[n - 3] ?? 0;
    return {
      parent: at(4),
      cpuMs: (at(14) + at(15)) * TICK_MS,
      exitedChildrenMs: (at(16) + at(17)) * TICK_MS,
    };
  } catch {
    return undefined;
  }
}

/** CPU time of exited descendants of this process, in ms. */
export function readExitedChildrenCpuMs(): number {
  return readStat("self")?.exitedChildrenMs ?? 0;
}

/** CPU time of one process without its descendants, in ms; undefined if the process has exited. */
export function readCpuMs(pid: number): number | undefined {
  return readStat(pid)?.cpuMs;
}

/** PIDs of all descendants of `root`. */
export function listDescendants(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (!stat) continue;
    const siblings = childrenOf.get(stat.parent);
    if (siblings) siblings.push(pid);
    else childrenOf.set(stat.parent, [pid]);
  }
  const found: number[] = [];
  for (let next = childrenOf.get(root) ?? []; next.length > 0; ) {
    found.push(...next);
    next = next.flatMap((pid) => childrenOf.get(pid) ?? []);
  }
  return found;
}

/** Peak RSS of one process so far, in bytes; undefined if the process has exited. */
export function readPeakRss(pid: number): number | undefined {
  try {
    const kb = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? undefined : Number(kb) * 1024;
  } catch {
    return undefined;
  }
}

/** Role of a process, from its command line: "worker", "planner", "supervisor", "redis-server", or else "command". */
export function detectRole(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (/(?:redis|valkey)-server/.test(words[0] ?? "")) return "redis-server";
    if (words.some((word) => /supervisor\.(?:ts|js)$/.test(word))) return "supervisor";
    if (words.some((word) => /plan-process\.(?:ts|js)$/.test(word))) return "planner";
    if (words.includes("worker")) return "worker";
  } catch {
    // It has exited.
  }
  return "command";
}
