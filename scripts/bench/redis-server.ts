// Starts a Redis server for a benchmark, append-only like Sluice's private server, and reads its statistics.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { makeFolder, registerChild, removeFolder } from "./cleanup.ts";

/** Counters of a Redis server since its start, or their difference between two moments. */
export interface RedisStats {
  /** Calls per command, including those inside scripts. */
  readonly calls: Readonly<Record<string, number>>;
  /** Time spent in commands, in µs. */
  readonly microseconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cpuMs: number;
}

export interface BenchRedis {
  readonly url: string;
  stats(): Promise<RedisStats>;
  stop(): Promise<void>;
}

export async function startBenchRedis(): Promise<BenchRedis> {
  const folder = await makeFolder();
  const socket = join(folder, "redis.sock");
  const settings = { port: 0, unixsocket: socket, dir: folder, appendonly: "yes", save: "" };
  const child = registerChild(
    spawn(
      process.env.SLUICE_REDIS_SERVER || "redis-server",
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: "ignore" },
    ),
  );
  const infoClient = new Redis(socket, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  infoClient.on("error", () => undefined);
  await infoClient.ping();
  return {
    url: `unix://${socket}`,
    stats: async () => parseStats(String(await infoClient.info("everything"))),
    async stop() {
      infoClient.disconnect();
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
      await sleep(0);
      removeFolder(folder);
    },
  };
}

function parseStats(info: string): RedisStats {
  const metric = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
  const calls: Record<string, number> = {};
  for (const [, command = "", count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    calls[command] = Number(count);
  }
  let microseconds = 0;
  for (const [, usec] of info.matchAll(/^cmdstat_[^:]+:calls=\d+,usec=(\d+)/gm)) microseconds += Number(usec);
  return {
    calls,
    microseconds,
    bytesIn: metric("total_net_input_bytes"),
    bytesOut: metric("total_net_output_bytes"),
    cpuMs: (metric("used_cpu_sys") + metric("used_cpu_user")) * 1000,
  };
}

/** The difference between two reads of the statistics, without the INFO commands of the reads themselves. */
export function diffStats(before: RedisStats, after: RedisStats): RedisStats {
  const calls: Record<string, number> = {};
  for (const [command, count] of Object.entries(after.calls)) {
    const added = count - (before.calls[command] ?? 0);
    if (added > 0 && command !== "info") calls[command] = added;
  }
  return {
    calls,
    microseconds: after.microseconds - before.microseconds,
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    cpuMs: after.cpuMs - before.cpuMs,
  };
}

const SCRIPT_COMMANDS = new Set(["evalsha", "eval", "fcall"]);

/** Number of script calls, and of all commands executed, including those inside scripts. */
export function countCommands({ calls }: RedisStats): { readonly scripts: number; readonly all: number } {
  let [scripts, all] = [0, 0];
  for (const [command, count] of Object.entries(calls)) {
    all += count;
    if (SCRIPT_COMMANDS.has(command)) scripts += count;
  }
  return { scripts, all };
}
