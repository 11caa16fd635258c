import { Redis } from "ioredis";
import { waitFor } from "#test/support/wait-for.ts";
import { findFreePort, type RedisProcess, startRedisProcess } from "./redis-process.ts";

export interface RedisCluster extends AsyncDisposable {
  readonly nodes: readonly RedisProcess[];
  /** redis+cluster://... */
  readonly url: string;
}

interface Node {
  readonly server: RedisProcess;
  /** Port of the cluster bus. */
  readonly bus: number;
  readonly client: Redis;
}

const SLOTS = 16_384;

/** Starts three masters and resolves when they form a cluster that accepts commands. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: Node[] = [];
  const stop = async () => {
    for (const { client } of nodes) client.disconnect();
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    // Sequentially, because a free port is not reserved: two servers could pick the same one.
    for (let i = 0; i < 3; i++) nodes.push(await startNode());
    await formCluster(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const hosts = nodes.map(({ server }) => `127.0.0.1:${server.port}`);
  return {
    nodes: nodes.map(({ server }) => server),
    url: `redis+cluster://${hosts.join(",")}`,
    [Symbol.asyncDispose]: stop,
  };
}

async function startNode(): Promise<Node> {
  const bus = await findFreePort();
  const server = await startRedisProcess({
    settings: [
      ["cluster-enabled", "yes"],
      ["cluster-config-file", "nodes.conf"],
      ["cluster-node-timeout", "2000"],
      ["cluster-port", String(bus)],
    ],
  });
  const client = new Redis({ host: "127.0.0.1", port: server.port });
  client.on("error", () => {});
  return { server, bus, client };
}

async function formCluster(nodes: readonly Node[]): Promise<void> {
  const [first, ...others] = nodes;
  for (const [i, { client }] of nodes.entries()) {
    const from = Math.ceil((SLOTS * i) / nodes.length);
    const to = Math.ceil((SLOTS * (i + 1)) / nodes.length) - 1;
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    await client.call("CLUSTER", "ADDSLOTSRANGE", from, to);
  }
  const isJoined = async ({ client }: Node) => {
    const info = String(await client.call("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodes.length}`);
  };
  await waitFor(
    async () => {
      if ((await Promise.all(nodes.map(isJoined))).every(Boolean)) return true;
      // Repeated, because a CLUSTER MEET may get lost.
      for (const { server, bus } of others) await first?.client.call("CLUSTER", "MEET", "127.0.0.1", server.port, bus);
      return false;
    },
    { what: "the cluster", intervalMs: 200 },
  );
}
