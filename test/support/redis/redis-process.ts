import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { waitFor } from "#test/support/wait-for.ts";

export interface RedisProcessOptions {
  /** Extra `redis-server` settings, one `[name, ...values]` each; they come after the defaults and win over them. */
  readonly settings?: readonly (readonly string[])[];
  /** How the start-up probe connects (password, TLS, unix socket). */
  readonly client?: Omit<RedisOptions, "replyMapping">;
  /** Command-line words placed before the settings: a configuration file, `--sentinel`. */
  readonly leading?: readonly string[];
  /** False for a server that knows no persistence settings (a Sentinel). */
  readonly persistence?: boolean;
  /** Fixed port, for a server that another one was already told about; a free one otherwise. */
  readonly port?: number;
}

/** A real `redis-server` in a temporary folder, listening on loopback. */
export interface RedisProcess {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  pid(): number;
  /** Ends it with `signal` and waits until the process is gone; its data stays for `start()`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data, and waits until it answers. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** The server program that tests start: SLUICE_REDIS_SERVER, else `redis-server` on PATH. */
const program = process.env.SLUICE_REDIS_SERVER || "redis-server";

/** False, said aloud, on a machine that has no server to start; tests of whole servers are skipped there. */
export function hasRedisServer(): boolean {
  if (spawnSync(program, ["--version"]).status === 0) return true;
  console.warn(`${program} cannot be run: tests that start a Redis server are skipped`);
  return false;
}

/** A loopback port nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
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

/** Starts a server and resolves when it answers PING; a port taken in between costs another try. */
export async function startRedisProcess(options: RedisProcessOptions = {}): Promise<RedisProcess> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-redis-"));
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
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
    const words = settings.flatMap(([name, ...values]) => [`--${name}`, ...values]);
    this.#output = "";
    const child = spawn(program, [...(this.#options.leading ?? []), ...words], {
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
    await waitFor(() => this.#answers(child), { what: `redis-server on port ${this.port}` });
  }

  async #answers(child: ChildProcess): Promise<boolean> {
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
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.dir, { recursive: true, force: true });
  }

  readonly #killAtExit = (): void => {
    this.#child?.kill("SIGKILL");
  };
}
