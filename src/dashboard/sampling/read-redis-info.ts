import { Cluster, type Redis } from "ioredis";
import type { RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RedisClient } from "#src/redis/script.ts";

/** Share of maxmemory above which the dashboard warns. */
const WARNING_SHARE = 0.75;

/** Reads INFO; for a cluster, the sum over its masters. */
export async function readRedisInfo(client: RedisClient, isPrivate: boolean): Promise<RedisView> {
  const nodes: Redis[] = client instanceof Cluster ? client.nodes("master") : [client];
  const infos = await Promise.all(nodes.map(readNode));
  const sum = (name: string) => sumKnown(infos.map((info) => parseNumber(info.get(name))));
  const maxBytes = sum("maxmemory") || undefined;
  return {
    isPrivate,
    version: infos[0]?.get("redis_version"),
    usedBytes: sum("used_memory"),
    maxBytes,
    warningBytes: maxBytes === undefined ? undefined : Math.round(maxBytes * WARNING_SHARE),
    clients: sum("connected_clients"),
    commandsPerSecond: sum("instantaneous_ops_per_sec"),
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

function parseNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}

/** Undefined if any value is unknown, because a partial sum would be wrong. */
function sumKnown(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((sum, value) => (sum === undefined || value === undefined ? undefined : sum + value), 0);
}
