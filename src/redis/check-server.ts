import { randomUUID } from "node:crypto";
import { Cluster, type Redis } from "ioredis";
import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { compareVersions, findServerProblems, type ServerFinding, type ServerInfo } from "./check-server-rules.ts";
import { parseStoredNumber } from "./stored-json.ts";

export interface ServerCheck {
  readonly flavour: "redis" | "valkey";
  /** The server's version ("7.0.15"), the lowest one of a cluster; "unknown" if INFO is forbidden. */
  readonly version: string;
  readonly findings: readonly ServerFinding[];
}

/**
 * Checks the settings of every master that Sluice's guarantees depend on, and writes one key by a script. Rejects only
 * if the connection fails; commands that the server forbids lead to findings.
 */
export async function checkServer(client: Redis | Cluster): Promise<ServerCheck> {
  // A Cluster client knows its nodes only after connecting.
  await client.ping();
  const nodes = client instanceof Cluster ? client.nodes("master") : [client];
  const nodeInfos = await Promise.all(nodes.map(readServerInfo));
  const findings = nodeInfos.flatMap((node, index) => {
    const where = nodes.length > 1 ? `node ${formatNodeName(nodes[index])}: ` : "";
    return findServerProblems(node).map((finding) => ({ ...finding, message: `${where}${finding.message}` }));
  });
  // A replica replies READONLY to a write, on which the connection would reconnect and retry for ever.
  const probe = findings.some((finding) => finding.level === "refusal") ? undefined : await probeWrite(client);
  const versions = nodeInfos.flatMap((node) => node.version ?? []).sort(compareVersions);
  return {
    flavour: nodeInfos[0]?.flavour ?? "redis",
    version: versions[0] ?? "unknown",
    findings: probe === undefined ? findings : [...findings, probe],
  };
}

/** Throws a RunError that names every refusal. The caller prints warnings and notes. */
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
    version: info.get("valkey_version") ?? info.get("redis_version"),
    role: info.get("role"),
    evictionPolicy: config?.get("maxmemory-policy") ?? info.get("maxmemory_policy"),
    appendOnly,
    appendFsync: config?.get("appendfsync"),
    isAppendFailing: appendOnly === true ? failing : undefined,
    usedBytes: parseStoredNumber(info.get("used_memory")),
    maxBytes: parseStoredNumber(info.get("maxmemory")),
    systemBytes: parseStoredNumber(info.get("total_system_memory")),
  };
}

/** The fields of INFO; empty if the server forbids it. */
async function readInfo(node: Redis): Promise<ReadonlyMap<string, string>> {
  const text = await ignoreReplyError(node.info());
  const fields = new Map<string, string>();
  for (const line of (text ?? "").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** Undefined if the server forbids CONFIG. */
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

/** Undefined for an error reply; a broken connection still rejects. */
async function ignoreReplyError<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (coerceError(error).name === "ReplyError") return undefined;
    throw error;
  }
}

const PROBE_SCRIPT = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000) return redis.call('GET', KEYS[1])";

/** Writes and reads one key by a script and deletes it, as every step of a run does. */
async function probeWrite(client: Redis | Cluster): Promise<ServerFinding | undefined> {
  const key = `sluice:probe:${randomUUID()}`;
  try {
    const echoed = await client.eval(PROBE_SCRIPT, 1, key, "ok");
    await client.unlink(key);
    if (echoed === "ok") return undefined;
    return { level: "refusal", message: "a key that was just written could not be read" };
  } catch (error) {
    const { name, message } = coerceError(error);
    if (name !== "ReplyError") throw error;
    return {
      level: "refusal",
      message: `a test write was refused: ${message}`,
      hint: /NOPERM/.test(message)
        ? "Allow this user all keys that begin with sluice, EVAL, EVALSHA, and all data commands."
        : "Check the server's log; it must accept writes and run Lua scripts.",
    };
  }
}

function formatNodeName(node: Redis | undefined): string {
  return `${node?.options.host}:${node?.options.port}`;
}
