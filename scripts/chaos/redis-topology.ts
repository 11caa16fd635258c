// The Redis of one round: a single server, a master with a replica and three Sentinels, or a Cluster with replicas.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startLatencyProxy } from "#test/support/redis/latency-proxy.ts";
import { makeFolder } from "../bench/cleanup.ts";
import { poll } from "./poll.ts";
import { findPort, type RedisServer, startRedisServer } from "./redis-server.ts";

export type Topology = "single" | "sentinel" | "cluster" | "distant";

export interface ChaosRedis {
  /** For REDIS_URL. */
  readonly url: string;
  /** The server that has the data; of a Cluster, any of them. */
  readonly main: RedisServer;
  /** Kills the master (of a Cluster: the one that holds `key`), and resolves when a replica has replaced it. */
  failOver(key: string): Promise<void>;
  stop(): Promise<void>;
}

/** `roundTripMs`: for the topology "distant", a single server behind a proxy. */
export async function startChaosRedis(topology: Topology, roundTripMs: number): Promise<ChaosRedis> {
  if (topology === "cluster") return await startCluster();
  if (topology === "sentinel") return await startSentinel();
  const main = await startRedisServer();
  const url = `redis://127.0.0.1:${main.port}`;
  const proxy = topology === "distant" ? await startLatencyProxy(url, roundTripMs) : undefined;
  return {
    url: proxy?.url ?? url,
    main,
    failOver: () => Promise.reject(new Error("a single server has no replica")),
    async stop() {
      await proxy?.close();
      await main.stop();
    },
  };
}

async function startSentinel(): Promise<ChaosRedis> {
  let main = await startRedisServer();
  const replica = await startRedisServer({ replicaof: `127.0.0.1 ${main.port}` });
  await poll("the replica", async () => (await replica.client.info("replication")).includes("master_link_status:up"));
  const sentinels: RedisServer[] = [];
  for (let i = 0; i < 3; i++) {
    const config = join(await makeFolder(), "sentinel.conf");
    const lines = [
      `sentinel monitor chaos 127.0.0.1 ${main.port} 2`,
      "sentinel down-after-milliseconds chaos 1000",
      "sentinel failover-timeout chaos 5000",
    ];
    await writeFile(config, `${lines.join("\n")}\n`);
    sentinels.push(await startRedisServer({}, [config, "--sentinel"]));
  }
  const ask = async () => {
    const reply = await sentinels[0]?.client.call("SENTINEL", "get-master-addr-by-name", "chaos");
    return Array.isArray(reply) ? Number(reply[1]) : undefined;
  };
  await poll("the Sentinels", async () => {
    const states = await Promise.all(sentinels.map(({ client }) => client.call("SENTINEL", "master", "chaos")));
    return states.every((state) => {
      const fields = Array.isArray(state) ? state.map(String) : [];
      const count = (name: string) => Number(fields[fields.indexOf(name) + 1]);
      return count("num-other-sentinels") === 2 && count("num-slaves") === 1;
    });
  });
  const stores = [main, replica];
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/chaos`,
    get main() {
      return main;
    },
    async failOver() {
      const old = main;
      await old.kill();
      await poll("the failover", async () => (await ask()) !== old.port);
      main = stores.find((server) => server !== old) ?? main;
      await poll("a writable master", async () => (await main.client.info("replication")).includes("role:master"));
      await old.start();
    },
    async stop() {
      await Promise.all([...sentinels, ...stores].map((server) => server.stop()));
    },
  };
}

async function startCluster(): Promise<ChaosRedis> {
  const nodes: RedisServer[] = [];
  const buses: number[] = [];
  for (let i = 0; i < 6; i++) {
    const bus = await findPort();
    buses.push(bus);
    nodes.push(
      await startRedisServer({
        "cluster-enabled": "yes",
        "cluster-node-timeout": "2000",
        "cluster-port": String(bus),
      }),
    );
  }
  await joinNodes(nodes, buses);
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    main: nodes[0] as RedisServer,
    async failOver(key) {
      const slot = Number(await nodes[0]?.client.call("CLUSTER", "KEYSLOT", key));
      const owner = await findOwner(nodes, slot);
      const victim = nodes.find(({ port }) => port === owner);
      if (!victim) throw new Error(`no node has slot ${slot}`);
      await victim.kill();
      const rest = nodes.filter((node) => node !== victim);
      await poll("a replica to be promoted", async () => {
        const now = await findOwner(rest, slot);
        return now !== undefined && now !== owner && (await isReady(rest));
      });
      await victim.start();
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

const SLOTS = 16_384;

/** Three masters with a replica each. */
async function joinNodes(nodes: readonly RedisServer[], buses: readonly number[]): Promise<void> {
  const [first, ...others] = nodes;
  for (const [i, { client }] of nodes.entries()) {
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    if (i >= 3) continue;
    const bounds = [i, i + 1].map((n) => Math.ceil((SLOTS * n) / 3));
    await client.call("CLUSTER", "ADDSLOTSRANGE", bounds[0] ?? 0, (bounds[1] ?? 0) - 1);
  }
  const knowsAll = async ({ client }: RedisServer) =>
    String(await client.call("CLUSTER", "INFO")).includes(`cluster_known_nodes:${nodes.length}`);
  await poll("the nodes to meet", async () => {
    if ((await Promise.all(nodes.map(knowsAll))).every(Boolean)) return true;
    for (const [i, { port }] of others.entries())
      await first?.client.call("CLUSTER", "MEET", "127.0.0.1", port, buses[i + 1] ?? 0);
    return false;
  });
  for (const [i, { client }] of nodes.slice(3).entries()) {
    const master = String(await nodes[i]?.client.call("CLUSTER", "MYID"));
    // Only until it is accepted: a repeated command starts the replication again.
    await poll("a replica", () => client.call("CLUSTER", "REPLICATE", master).then(Boolean, () => false));
    await poll("the data of a replica", async () =>
      (await client.info("replication")).includes("master_link_status:up"),
    );
  }
  await poll("the Cluster", () => isReady(nodes));
}

async function isReady(nodes: readonly RedisServer[]): Promise<boolean> {
  const infos = await Promise.all(nodes.map(({ client }) => client.call("CLUSTER", "INFO")));
  return infos.every((info) => String(info).includes("cluster_state:ok"));
}

/** The port of the master that has a slot. */
async function findOwner(nodes: readonly RedisServer[], slot: number): Promise<number | undefined> {
  const slots = await nodes[0]?.client.call("CLUSTER", "SLOTS");
  for (const range of Array.isArray(slots) ? slots : []) {
    const [from, to, master] = range as [number, number, [string, number]];
    if (slot >= from && slot <= to) return master[1];
  }
  return undefined;
}
