// Starts the processes of a round, and finds all that belong to it, also those whose parent was killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { registerChild } from "../bench/cleanup.ts";
import { detectRole } from "../bench/process-tree.ts";
import { poll } from "./poll.ts";

/** Names the folder of the round in the environment of all its processes, except the Redis servers. */
const MARK = "CHAOS_FOLDER";

export interface ExitedProcess {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its stderr. */
  readonly stderr: string;
}

export interface RoundProcess {
  readonly pid: number;
  readonly exit: Promise<ExitedProcess>;
}

export interface StartOptions {
  /** The working directory, and the mark of the round. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

/** Starts Node with these arguments. `prefix`: a command that runs it. */
export function startNode(
  args: readonly string[],
  { folder, env, onLine }: StartOptions,
  prefix: readonly string[] = [],
): RoundProcess {
  const [program = "", ...rest] = [...prefix, process.execPath, ...args];
  const child: ChildProcess = registerChild(
    spawn(program, rest, {
      cwd: folder,
      env: { ...cleanEnvironment(), ...env, [MARK]: folder },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const lines = (stdout + text).split("\n");
    stdout = lines.pop() ?? "";
    if (onLine) for (const line of lines) onLine(line);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal, stderr }));
  return { pid: child.pid ?? 0, exit };
}

/** PIDs of the live processes of a round with this role; all if undefined. */
export function findProcesses(folder: string, role?: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) return [];
      const isOwn = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${MARK}=${folder}`);
      return isOwn && (role === undefined || detectRole(pid) === role) ? [pid] : [];
    } catch {
      // It has just exited, or belongs to another user.
      return [];
    }
  });
}

/** Sends a signal. False if the process has exited. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process has a handler for SIGUSR2, which would end it otherwise. */
export function handlesUsr2(pid: number): boolean {
  try {
    const mask = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & (1n << 11n)) !== 0n;
  } catch {
    return false;
  }
}

export function killAll(folder: string): void {
  for (const pid of findProcesses(folder)) signalProcess(pid, "SIGKILL");
}

/** Resolves when no process of the round is left. Rejects after two minutes. */
export async function waitUntilNone(folder: string): Promise<void> {
  await poll("the processes of the round to end", () => findProcesses(folder).length === 0);
}

/** Without variables that configure Sluice: settings of the machine must not affect a round. */
function cleanEnvironment(): Record<string, string | undefined> {
  const isOwn = (name: string) =>
    /^(REDIS_URL|MINIMAX_|SLUICE_(?!REDIS_SERVER)|NODE_OPTIONS|VITEST|https?_proxy)/i.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOwn(name)));
}
