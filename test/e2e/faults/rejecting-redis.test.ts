import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { type RedisProcess, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_500;

interface Fault {
  readonly code: string;
  readonly start: (client: Redis, server: RedisProcess) => Promise<void>;
  readonly end: (client: Redis, server: RedisProcess) => Promise<void>;
}

const blocker = ({ dir }: RedisProcess) => join(dir, "dump.rdb");
const lastSave = async (client: Redis) => /rdb_last_bgsave_status:(\w+)/.exec(await client.info("persistence"))?.[1];

const FAULTS: readonly Fault[] = [
  {
    code: "OOM",
    start: async (client) => void (await client.config("SET", "maxmemory", "1")),
    end: async (client) => void (await client.config("SET", "maxmemory", "0")),
  },
  {
    code: "MISCONF",
    // A folder of that name cannot be replaced by the file.
    start: async (client, server) => {
      await mkdir(blocker(server));
      await client.config("SET", "save", "3600 1");
      await client.bgsave("SCHEDULE");
      await waitFor(async () => (await lastSave(client)) === "err", { what: "the failed save" });
    },
    end: async (client, server) => {
      await rmdir(blocker(server));
      await client.bgsave("SCHEDULE");
      await waitFor(async () => (await lastSave(client)) === "ok", { what: "a save" });
    },
  },
];

test.each(FAULTS)(
  "a run waits while Redis replies $code, shows the reason, and continues",
  async ({ start, end, code }) => {
    const server = await startRedisProcess();
    const client = new Redis(server.url);
    try {
      await using sandbox = await CliSandbox.open({
        limits: { requestsPerMinute: 100_000, concurrency: 4 },
        env: { REDIS_URL: server.url },
      });
      writeCorpus(sandbox, ITEMS);
      const release = sandbox.simulator.hold(10);
      const cli = sandbox.embed(["corpus", "--out", "vectors", "--format", "jsonl", "--json", "--window", "200"]);
      await cli.event(({ event }) => event === "progress", "progress");
      await start(client, server);
      release();
      const note = (text: string) => cli.event(({ message }) => String(message).includes(text), text);
      await note(code);
      await end(client, server);
      await note("Redis accepts commands again");
      const { code: exitCode, stderr } = await cli.exit;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: ITEMS, failed: 0, missing: 0 });
      expect(cli.events().filter(({ message }) => String(message).includes(`(${code})`)).length).toBeLessThan(5);
    } finally {
      client.disconnect();
      await server.stop();
    }
  },
);
