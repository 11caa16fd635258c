import { randomUUID } from "node:crypto";
import { Cluster, type Redis } from "ioredis";
import { coerceError, RunError } from "#src/core/errors.ts";
import { compareVersions, findServerProblems, type ServerFinding, type ServerInfo } from "./check-server-rules.ts";

export interface ServerCheck {
  readonly flavour: "redis" | "valkey";
  /** The server's own version ("7.0.15"); "unknown" when INFO is forbidden. With several nodes the lowest. */
  readonly version: string;
  readonly findings: readonly ServerFinding[];
}

/**
 * Asks every master behind `client` for what Sluice's promises rest on, and writes one key through a script.
 * Rejects only when the connection itself fails; what the server forbids becomes a finding.
 */
export async function checkServer(client: Redis | Cluster): Promise<ServerCheck> {
  // A Cluster client knows its nodes only once it has connected.
  await client.ping();
  const nodes = client instanceof Cluster ? client.nodes("master") : [client];
  const nodeInfos = await Promise.all(nodes.map(readServerInfo));
  const findings = nodeInfos.flatMap((node, index) => {
    const where = nodes.length > 1 ? `node ${formatNodeName(nodes[index])}: ` : "";
    return findServerProblems(node).map((finding) => ({ ...finding, message: `${where}${finding.message}` }));
  });
  // A replica answers a write with READONLY, on which the connection would reconnect and try again for ever.
  const probe = findings.some((finding) => finding.level === "refusal") ? undefined : await probeWrite(client);
  const versions = nodeInfos.flatMap((node) => node.version ?? []).sort(compareVersions);
  return {
    flavour: nodeInfos[0]?.flavour ?? "redis",
    version: versions[0] ?? "unknown",
    findings: probe === undefined ? findings : [...findings, probe],
  };
}

/** Throws a RunError that names every refusal; warnings and notes are the caller's to say aloud. */
export function assertServerUsable(check: ServerCheck): void {
  const refusals = check.findings.filter((finding) => finding.level === "refusal");
  if (refusals.length === 0) return;
  const hints = refusals.flatMap((finding) => finding.hint ?? []);
  throw new RunError(
    `this Redis cannot be used: ${refusals.map((finding) => finding.message).join("; ")}`,
    hints.length === 0 ? undefined : hints.join("\n"),
  );
}

async function readServerInfo(node: Redis): Promise<ServerInfo> {
  const [info, config] = await Promise.all([readInfo(node), readConfig(node)]);
  const flag = (name: string) => (info.has(name) ? info.get(name) === "1" : undefined);
  const appendOnly = config?.has("appendonly") ? config.get("appendonly") === "yes" : flag("aof_enabled");
  const failing = info.has("aof_last_write_status") ? info.get("aof_last_write_status") !== "ok" : undefined;
  return {
    flavour: info.get("server_name") === "valkey" || info.has("valkey_version") ? "valkey" : "redis",
    isConfigForbidden: config === undefined,
    ...optionalField("version", info.get("valkey_version") ?? info.get("redis_version")),
    ...optionalField("role", info.get("role")),
    ...optionalField("evictionPolicy", config?.get("maxmemory-policy") ?? info.get("maxmemory_policy")),
    ...optionalField("appendOnly", appendOnly),
    ...optionalField("appendFsync", config?.get("appendfsync")),
    ...optionalField("appendFailing", appendOnly === true ? failing : undefined),
    ...optionalField("usedBytes", parseCount(info.get("used_memory"))),
    ...optionalField("maxBytes", parseCount(info.get("maxmemory"))),
    ...optionalField("systemBytes", parseCount(info.get("total_system_memory"))),
  };
}

/** The fields of INFO; empty when the server refuses it. */
async function readInfo(node: Redis): Promise<ReadonlyMap<string, string>> {
  const text = await ignoreReplyError(node.info());
  const fields = new Map<string, string>();
  for (const line of (text ?? "").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** Undefined when the server refuses CONFIG. */
async function readConfig(node: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  const names = ["maxmemory-policy", "appendonly", "appendfsync"];
  // One name per call: before version 7, CONFIG GET takes a single pattern.
  const replies = await ignoreReplyError(Promise.all(names.map((name) => node.config("GET", name))));
  if (replies === undefined) return undefined;
  const settings = new Map<string, string>();
  for (const reply of replies) {
    if (Array.isArray(reply) && reply.length >= 2) settings.set(String(reply[0]), String(reply[1]));
  }
  return settings;
}

/** Undefined when the server answered with an error; a broken connection still rejects. */
async function ignoreReplyError<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (coerceError(error).name === "ReplyError") return undefined;
    throw error;
  }
}

const PROBE = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000) return redis.call('GET', KEYS[1])";

/** Writes, reads and deletes one key through a script: what every step of a run needs. */
async function probeWrite(client: Redis | Cluster): Promise<ServerFinding | undefined> {
  const key = `sluice:probe:${randomUUID()}`;
  try {
    const echoed = await client.eval(PROBE, 1, key, "ok");
    await client.unlink(key);
    if (echoed === "ok") return undefined;
    return { level: "refusal", message: "a key that was just written could not be read back" };
  } catch (error) {
    const { name, message } = coerceError(error);
    if (name !== "ReplyError") throw error;
    return {
      level: "refusal",
      message: `a test write was refused: ${message}`,
      hint: /NOPERM/.test(message)
        ? "Allow this user every key that begins with sluice, and the commands EVAL, EVALSHA and all data commands."
        : "Look into the server's log; it must take writes and run Lua scripts.",
    };
  }
}

function formatNodeName(node: Redis | undefined): string {
  return `${node?.options.host}:${node?.options.port}`;
}

function parseCount(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? undefined : value;
}

/** `{ [name]: value }`, or nothing at all when the value is not known. */
function optionalField<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}
