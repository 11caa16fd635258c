import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import type { ProgramStart } from "#src/api/batches/launch-run.ts";
import type { Api } from "#src/api/start-api.ts";
import { LaneRegistry, openTransport } from "#src/cli/wiring/lanes.ts";
import { startConfiguredApi } from "#src/cli/wiring/start-configured-api.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import {
  SIMULATOR_API_KEY,
  SIMULATOR_ZHIPU_KEY,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "#src/simulator/simulator.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const ENTRY = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));

export interface TestApiOptions extends SimulatorOptions {
  /** Whether a worker takes the jobs; true by default. */
  readonly worker?: boolean;
  /** Further variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further settings of sluice.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** An API server with a real worker, the simulator, and a namespace of the shared Redis, all in this process. */
export class TestApi implements AsyncDisposable {
  readonly dir: string;
  readonly simulator: Simulator;
  readonly redis: TestRedis;
  readonly source: RedisSource;
  readonly keys: Keys;
  readonly config: Config;
  /** Lines of the servers' logs, of errors. */
  readonly errors: string[] = [];
  readonly #hosts: WorkerHost[] = [];
  readonly #apis: Api[] = [];

  private constructor(dir: string, simulator: Simulator, redis: TestRedis, config: Config) {
    this.dir = dir;
    this.simulator = simulator;
    this.redis = redis;
    this.config = config;
    this.keys = createKeys(redis.namespace);
    this.source = openRedis(parseRedisUrl(redis.url));
  }

  static async open({ worker = true, settings = {}, env = {}, ...options }: TestApiOptions = {}): Promise<TestApi> {
    const dir = mkdtempSync(join(tmpdir(), "sluice-api-"));
    const redis = openTestRedis();
    const simulator = await startSimulator(options);
    // JSON is YAML.
    writeFileSync(join(dir, "sluice.yaml"), JSON.stringify({ worker: { hanging: { abort: false } }, ...settings }));
    const config = loadConfig({ cwd: dir, env: { ...describeProviders(simulator, redis), ...env } });
    const test = new TestApi(dir, simulator, redis, config);
    if (worker) test.startWorker();
    await test.startApi();
    return test;
  }

  /** Starts the runs of batches in this folder, with the same providers. */
  get #command(): ProgramStart {
    const { PATH, HOME } = process.env;
    return {
      program: process.execPath,
      args: [ENTRY],
      env: { PATH, HOME, ...describeProviders(this.simulator, this.redis) },
      cwd: this.dir,
    };
  }

  /** The first server's address, as the official clients take it. */
  get baseUrl(): string {
    return `${this.#apis[0]?.url}/v1`;
  }

  /** Starts a further server; they share Redis. */
  async startApi(): Promise<Api> {
    const api = await startConfiguredApi(
      {
        config: this.config,
        log: pino({ level: "error" }, { write: (line: string) => this.errors.push(line) }),
        redis: { source: this.source, isPrivate: false, close: () => Promise.resolve() },
      },
      { host: "127.0.0.1", port: 0, command: this.#command },
    );
    this.#apis.push(api);
    return api;
  }

  startWorker(): WorkerHost {
    const lanes = new LaneRegistry(this.config, openTransport(this.config));
    const host = startWorker({
      redis: this.source,
      keys: this.keys,
      limiter: createRedisLimiter(this.source.connect("commands"), this.keys),
      capabilities: lanes.capabilities(),
      embeddingLanes: (provider, model) => lanes.embeddingLanes(provider, model),
      chatLanes: (provider, model) => lanes.chatLanes(provider, model),
      rerankLanes: (provider, model) => lanes.rerankLanes(provider, model),
      version: "test",
      log: silentLog,
      options: { graceMs: 2_000, ...this.config.worker },
    });
    this.#hosts.push(host);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#apis.map((api) => api.close()));
    await Promise.all(this.#hosts.map((host) => host.stop()));
    await this.simulator.close();
    await this.source.close();
    await this.redis.cleanup();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The environment in which every provider is the simulator. */
function describeProviders(simulator: Simulator, redis: TestRedis): Record<string, string> {
  return {
    REDIS_URL: redis.url,
    SLUICE_NAMESPACE: redis.namespace,
    OPENAI_API_KEY: SIMULATOR_API_KEY,
    OPENAI_BASE_URL: simulator.openaiUrl,
    MINIMAX_API_KEY: SIMULATOR_API_KEY,
    MINIMAX_BASE_URL: simulator.url,
    ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY,
    ZHIPU_BASE_URL: simulator.zhipuUrl,
    ANTHROPIC_API_KEY: SIMULATOR_API_KEY,
    ANTHROPIC_BASE_URL: simulator.anthropicUrl,
    COHERE_API_KEY: SIMULATOR_API_KEY,
    COHERE_BASE_URL: simulator.cohereUrl,
  };
}
