// Describes the machine that a benchmark runs on.
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly redis: string;
  readonly load: number;
}

export function describeMachine(loadAverage: number): Machine {
  const program = process.env.SLUICE_REDIS_SERVER || "redis-server";
  let redis = "unknown";
  try {
    redis = /v=(\S+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1] ?? "unknown";
  } catch {
    // There may be another server, for example valkey-server. The benchmark itself fails if there is none.
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    redis,
    load: loadAverage,
  };
}

export function printMachine({ date, cpu, cores, memoryGb, node, redis, load }: Machine): string {
  return `Measured on ${date}: ${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}, Redis ${redis}; load average at the start ${load.toFixed(2)}.`;
}
