import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes, except this one, whose working directory is in `dir`, or whose command or environment contains `dir`. */
export function findProcesses(dir: string): ProcessInfo[] {
  return process.platform === "linux" ? readProcFs(dir) : readPsOutput(dir);
}

function readProcFs(dir: string): ProcessInfo[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" || state === "X") return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      if (!isBelow(cwd, dir) && !command.includes(dir) && !environment.includes(dir)) return [];
      return [{ pid, parent: Number(parent), command }];
    } catch {
      // It has just exited, or belongs to another user.
      return [];
    }
  });
}

function isBelow(path: string, dir: string): boolean {
  return path === dir || path.startsWith(`${dir}/`);
}

function readPsOutput(dir: string): ProcessInfo[] {
  const { stdout } = spawnSync("/bin/ps", ["eww", "-axo", "pid=,ppid=,command="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (!command?.includes(dir) || Number(pid) === process.pid) return [];
    return [{ pid: Number(pid), parent: Number(parent), command }];
  });
}
