// Starts single Redis servers on the loopback for chaos runs, which can be killed and started again with their data.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { makeFolder, registerChild, removeFolder } from "../bench/cleanup.ts";
import { poll } from "./poll.ts";

/** One `redis-server` in a temporary folder. */
export interface RedisServer {
  readonly port: number;
  /** Its own connection, which waits while the server is down. */
  readonly client: Redis;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL; resolves when the process has ended. Keeps the data. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it replies to PING. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const STORE_SETTINGS = { appendonly: "yes", appendfsync: "everysec", "maxmemory-policy": "noeviction", save: "" };

/** A free loopback port, which is not reserved. */
export async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

/** Starts a server. `leadingArgs`: a configuration file and `--sentinel`; such a server gets no settings of a store. */
export async function startRedisServer(
  settings: Readonly<Record<string, string>> = {},
  leadingArgs: readonly string[] = [],
): Promise<RedisServer> {
  const dir = await makeFolder();
  const port = await findPort();
  const all = {
    port: String(port),
    bind: "127.0.0.1",
    dir,
    ...(leadingArgs.length > 0 ? {} : STORE_SETTINGS),
    ...settings,
  };
  const args = [...leadingArgs, ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...value.split(" ")])];
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => undefined);
  let child: ChildProcess | undefined;
  const start = async () => {
    const started = registerChild(spawn(process.env.SLUICE_REDIS_SERVER || "redis-server", args, { stdio: "ignore" }));
    child = started;
    await poll(`redis-server on port ${port}`, async () => {
      if (started.exitCode !== null) throw new Error(`redis-server on port ${port} did not start`);
      return client.status === "ready" && (await client.ping()) === "PONG";
    });
  };
  const kill = async () => {
    const killed = child;
    child = undefined;
    if (!killed || killed.exitCode !== null || killed.signalCode !== null) return;
    const exited = once(killed, "exit");
    killed.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    port,
    client,
    start,
    kill,
    signal: (signal) => void child?.kill(signal),
    async stop() {
      client.disconnect();
      await kill();
      removeFolder(dir);
    },
  };
}
