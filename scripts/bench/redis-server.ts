// A Redis of the bench's own, append-only like the one that Sluice starts, and what it was asked to do.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { makeFolder, registerChild, removeFolder } from "./cleanup.ts";

/** What Redis has done so far; two of them make a difference. */
export interface RedisStats {
  /** Calls by command, those inside scripts included. */
  readonly calls: Readonly<Record<string, number>>;
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
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
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

/** What was done between two looks; the looks themselves are left out of the commands. */
export function diffStats(before: RedisStats, after: RedisStats): RedisStats {
  const calls: Record<string, number> = {};
  for (const [command, count] of Object.entries(after.calls)) {
    const more = count - (before.calls[command] ?? 0);
    if (more > 0 && command !== "info") calls[command] = more;
  }
  return {
    calls,
    microseconds: after.microseconds - before.microseconds,
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    cpuMs: after.cpuMs - before.cpuMs,
  };
}

/** Commands that clients sent; what scripts call on their behalf is not among them. */
const SENT = new Set(["evalsha", "eval", "fcall"]);

/** Commands sent by clients and all commands executed, those inside scripts included. */
export function countCommands({ calls }: RedisStats): { readonly scripts: number; readonly all: number } {
  let [scripts, all] = [0, 0];
  for (const [command, count] of Object.entries(calls)) {
    all += count;
    if (SENT.has(command)) scripts += count;
  }
  return { scripts, all };
}
