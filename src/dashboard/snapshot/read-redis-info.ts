import { Cluster, type Redis } from "ioredis";
import type { RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RedisClient } from "#src/redis/script.ts";

/** Share of the memory allowed above which a person should look. */
const WARNING_SHARE = 0.75;

/** What Redis says of itself; of a cluster, its masters added up. */
export async function readRedisInfo(client: RedisClient, isPrivate: boolean): Promise<RedisView> {
  const nodes: Redis[] = client instanceof Cluster ? client.nodes("master") : [client];
  const infos = await Promise.all(nodes.map(readNode));
  const sum = (name: string) => addUp(infos.map((info) => number(info.get(name))));
  const usedBytes = sum("used_memory");
  const maxBytes = sum("maxmemory") || undefined;
  const clients = sum("connected_clients");
  const commandsPerSecond = sum("instantaneous_ops_per_sec");
  const version = infos[0]?.get("redis_version");
  return {
    isPrivate,
    version,
    usedBytes,
    ...(maxBytes === undefined ? {} : { maxBytes, warningBytes: Math.round(maxBytes * WARNING_SHARE) }),
    clients,
    commandsPerSecond,
  };
}

async function readNode(node: Redis): Promise<Map<string, string>> {
  const sections = ["server", "clients", "memory", "stats"].map((section) => node.info(section));
  const lines = (await Promise.all(sections)).join("\n").split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

function number(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}

/** Undefined when any is not known: a sum of some would be a wrong figure. */
function addUp(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((sum, value) => (sum === undefined || value === undefined ? undefined : sum + value), 0);
}
