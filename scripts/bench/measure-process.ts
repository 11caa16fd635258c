// Runs a program and measures the time, CPU and peak memory of its process and all descendants.
import { type ChildProcess, spawn } from "node:child_process";
import { registerChild, registerDetachedProcess, unregisterDetachedProcess } from "./cleanup.ts";
import { detectRole, listDescendants, readCpuMs, readExitedChildrenCpuMs, readPeakRss } from "./process-tree.ts";

export interface ProcessCost {
  readonly wallMs: number;
  /** CPU time of the program and all its descendants. */
  readonly cpuMs: number;
  /** Peak RSS of each role, in bytes: the largest of its processes. */
  readonly peakRss: Readonly<Record<string, number>>;
  /** CPU time of each role at the last sample, in ms: excludes what a process used after it. */
  readonly cpuByRole: Readonly<Record<string, number>>;
  readonly exitCode: number | null;
  readonly stdout: string;
}

export interface MeasureOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called for every sample (10 per second) with the PIDs by role. */
  readonly onSample?: (pids: ReadonlyMap<string, readonly number[]>) => void;
  readonly onStart?: (child: ChildProcess) => void;
  /** Expected exit code; 0 by default. */
  readonly exitCode?: number;
}

const SAMPLE_MS = 100;

/**
 * Measures only one program at a time, because CPU time is what the kernel adds up for exited children of this process. The
 * kernel leaves out descendants that no parent waited for, so the result is at least the CPU time seen in the samples.
 */
export async function measureProcess(args: readonly string[], options: MeasureOptions = {}): Promise<ProcessCost> {
  const cpuBefore = readExitedChildrenCpuMs();
  const startedAt = performance.now();
  const child = registerChild(
    spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
    }),
  );
  options.onStart?.(child);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  const sampler = sampleProcessTree(child.pid ?? 0, options.onSample);
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const wallMs = performance.now() - startedAt;
  const { peakRss, cpuByRole } = sampler.stop();
  const seenCpuMs = Object.values(cpuByRole).reduce((sum, ms) => sum + ms, 0);
  if (exitCode !== (options.exitCode ?? 0))
    throw new Error(`${args.join(" ")} exited with code ${exitCode}:\n${stderr || stdout.slice(-4_000)}`);
  return {
    wallMs,
    cpuMs: Math.max(readExitedChildrenCpuMs() - cpuBefore, seenCpuMs),
    peakRss,
    cpuByRole,
    exitCode,
    stdout,
  };
}

function sampleProcessTree(root: number, onSample: MeasureOptions["onSample"]) {
  const roles = new Map<number, string>();
  const peaks = new Map<number, number>();
  const cpu = new Map<number, number>();
  const takeSample = () => {
    const byRole = new Map<string, number[]>();
    for (const pid of [root, ...listDescendants(root), ...roles.keys()]) {
      // A process that was just forked still has the command line of its parent, so "command" is checked again.
      if (pid !== root && roles.get(pid) === undefined) {
        registerDetachedProcess(pid);
        roles.set(pid, detectRole(pid));
      } else if (roles.get(pid) === "command" && pid !== root) roles.set(pid, detectRole(pid));
      else if (pid === root) roles.set(pid, "command");
      const peak = readPeakRss(pid);
      if (peak === undefined) continue;
      peaks.set(pid, peak);
      cpu.set(pid, readCpuMs(pid) ?? 0);
      const role = roles.get(pid) ?? "command";
      const same = byRole.get(role) ?? [];
      if (!same.includes(pid)) byRole.set(role, [...same, pid]);
    }
    onSample?.(byRole);
  };
  const timer = setInterval(takeSample, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      for (const pid of roles.keys()) if (readPeakRss(pid) === undefined) unregisterDetachedProcess(pid);
      const peakRss: Record<string, number> = {};
      for (const [pid, peak] of peaks) {
        const role = roles.get(pid) ?? "command";
        peakRss[role] = Math.max(peakRss[role] ?? 0, peak);
      }
      const cpuByRole: Record<string, number> = {};
      for (const [pid, ms] of cpu) {
        const role = roles.get(pid) ?? "command";
        cpuByRole[role] = (cpuByRole[role] ?? 0) + ms;
      }
      return { peakRss, cpuByRole };
    },
  };
}
