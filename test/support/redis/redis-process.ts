import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { waitFor } from "#test/support/wait-for.ts";

export interface RedisProcessOptions {
  /** Additional `redis-server` settings as `[name, ...values]`; they override the defaults. */
  readonly settings?: readonly (readonly string[])[];
  /** How the start-up probe connects (password, TLS, unix socket). */
  readonly client?: Omit<RedisOptions, "replyMapping">;
  /** Command-line arguments before the settings: a configuration file, `--sentinel`. */
  readonly leadingArgs?: readonly string[];
  /** False for a server without persistence settings (a Sentinel). */
  readonly persistence?: boolean;
  /** Fixed port, for a server whose port is already in another server's configuration. Default: a free port. */
  readonly port?: number;
}

/** A real `redis-server` in a temporary folder, listening on loopback. */
export interface RedisProcess {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  pid(): number;
  /** Kills it with `signal` and waits for its exit. Keeps its data for `start()`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Restarts it with the same port and data, and waits until it replies to PING. */
  start(): Promise<void>;
  /** Kills it and removes its folder. */
  stop(): Promise<void>;
}

/** The server executable: SLUICE_REDIS_SERVER, or else `redis-server` on PATH. */
const program = process.env.SLUICE_REDIS_SERVER || "redis-server";

/** Whether a Redis server can be started. If not, prints a warning; tests that start servers are skipped then. */
export function hasRedisServer(): boolean {
  if (spawnSync(program, ["--version"]).status === 0) return true;
  console.warn(`Cannot run ${program}: tests that start a Redis server are skipped`);
  return false;
}

/** Finds a free loopback port. The port is not reserved. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

const DEFAULTS = [
  ["appendonly", "yes"],
  ["appendfsync", "everysec"],
  ["maxmemory-policy", "noeviction"],
  ["save", ""],
];

/** Starts a server and resolves when it replies to PING. Retries with another port if the port is taken in between. */
export async function startRedisProcess(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-redis-"));
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await findFreePort());
    const server = new Server(dir, port, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.kill("SIGKILL");
      if (attempt < 5 && options.port === undefined && String(error).includes("in use")) continue;
      await server.stop();
      throw error;
    }
  }
}

class Server implements RedisProcess {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  readonly #options: RedisProcessOptions;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(dir: string, port: number, options: RedisProcessOptions) {
    this.dir = dir;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#options = options;
  }

  pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("this redis-server is not running");
    return pid;
  }

  async start(): Promise<void> {
    const settings = [
      ["port", String(this.port)],
      ["bind", "127.0.0.1"],
      ["dir", this.dir],
      ...(this.#options.persistence === false ? [] : DEFAULTS),
      ...(this.#options.settings ?? []),
    ];
    const args = settings.flatMap(([name, ...values]) => [`--${name}`, ...values]);
    this.#output = "";
    const child = spawn(program, [...(this.#options.leadingArgs ?? []), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.on("error", (error) => {
      this.#output += String(error);
    });
    child.stdout.on("data", (text) => {
      this.#output = (this.#output + text).slice(-20_000);
    });
    child.stderr.on("data", (text) => {
      this.#output = (this.#output + text).slice(-20_000);
    });
    this.#child = child;
    process.once("exit", this.#killAtExit);
    await waitFor(() => this.#isReady(child), { what: `redis-server on port ${this.port}` });
  }

  async #isReady(child: ChildProcess): Promise<boolean> {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`redis-server did not start: ${this.#output}`);
    }
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      ...this.#options.client,
      lazyConnect: true,
      retryStrategy: null,
      enableReadyCheck: false,
    });
    client.on("error", () => {});
    try {
      await client.connect();
      return (await client.ping()) === "PONG";
    } catch {
      return false;
    } finally {
      client.disconnect();
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    process.removeListener("exit", this.#killAtExit);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  readonly #killAtExit = (): void => {
    this.#child?.kill("SIGKILL");
  };
}
