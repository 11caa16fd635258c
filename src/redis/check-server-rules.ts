/**
 * `refusal`: Sluice must not start on this server. `warning`: it works, but a promise is weaker than it should be.
 * `note`: something could not be looked at, or is worth knowing.
 */
export type FindingLevel = "refusal" | "warning" | "note";

export interface ServerFinding {
  readonly level: FindingLevel;
  /** One sentence. */
  readonly message: string;
  /** What to type or to change. */
  readonly hint?: string;
}

/** What one node says about itself; a field it did not tell is absent. */
export interface ServerInfo {
  readonly flavour: "redis" | "valkey";
  readonly version?: string;
  readonly role?: string;
  readonly evictionPolicy?: string;
  readonly appendOnly?: boolean;
  readonly appendFsync?: string;
  /** True while the last write of the append-only file failed. */
  readonly isAppendFailing?: boolean;
  readonly usedBytes?: number;
  /** 0 means no limit. */
  readonly maxBytes?: number;
  readonly systemBytes?: number;
  readonly isConfigForbidden: boolean;
}

/** XTRIM MINID, ZADD GT and XAUTOCLAIM came with it. */
const MIN_VERSION = [6, 2] as const;
const MEMORY_WARNING_SHARE = 0.8;

/** The rules, apart from the server: what follows from a node's facts. */
export function findServerProblems(info: ServerInfo): ServerFinding[] {
  return [
    ...findVersionProblems(info),
    ...findRoleProblems(info),
    ...findEvictionProblems(info),
    ...findPersistenceProblems(info),
    ...findMemoryProblems(info),
    ...findUnreadableSettings(info),
  ];
}

function findVersionProblems({ version, flavour }: ServerInfo): ServerFinding[] {
  if (version === undefined || compareVersions(version, MIN_VERSION.join(".")) >= 0) return [];
  return [
    {
      level: "refusal",
      message: `it is ${flavour} ${version}, and ${MIN_VERSION.join(".")} or later is needed`,
      hint: "Upgrade the server, or leave REDIS_URL unset to let Sluice run a private one.",
    },
  ];
}

function findRoleProblems({ role }: ServerInfo): ServerFinding[] {
  if (role === undefined || role === "master") return [];
  return [
    {
      level: "refusal",
      message: `it is a replica (role ${role}), which takes no writes`,
      hint: "Give the master's address, or the Sentinels': redis+sentinel://host:26379/master-name.",
    },
  ];
}

function findEvictionProblems({ evictionPolicy }: ServerInfo): ServerFinding[] {
  if (evictionPolicy === undefined || evictionPolicy === "noeviction") return [];
  return [
    {
      level: "refusal",
      message: `its maxmemory-policy is ${evictionPolicy}: when memory is short it deletes jobs and results unasked`,
      hint: "redis-cli CONFIG SET maxmemory-policy noeviction (and the same line in redis.conf)",
    },
  ];
}

function findPersistenceProblems({ appendOnly, appendFsync, isAppendFailing }: ServerInfo): ServerFinding[] {
  if (isAppendFailing) {
    return [
      {
        level: "refusal",
        message: "its last write of the append-only file failed, so it refuses writes or loses them",
        hint: "Free disk space where the server keeps its data, and look into its log.",
      },
    ];
  }
  if (appendOnly === false) {
    return [
      {
        level: "warning",
        message: "its append-only file is off: a crash of Redis loses what was written since the last snapshot",
        hint: "redis-cli CONFIG SET appendonly yes (and the same line in redis.conf)",
      },
    ];
  }
  if (appendFsync !== "no") return [];
  return [
    {
      level: "warning",
      message:
        "it never asks the disk to keep the append-only file (appendfsync no): power loss can cost half a minute",
      hint: "redis-cli CONFIG SET appendfsync everysec (and the same line in redis.conf)",
    },
  ];
}

function findMemoryProblems({ usedBytes, maxBytes, systemBytes }: ServerInfo): ServerFinding[] {
  const limited = maxBytes !== undefined && maxBytes > 0;
  const limit = limited ? maxBytes : systemBytes;
  if (usedBytes === undefined || limit === undefined || limit === 0 || usedBytes < MEMORY_WARNING_SHARE * limit)
    return [];
  const share = Math.floor((100 * usedBytes) / limit);
  return [
    {
      level: "warning",
      message: `${share} % of its ${limited ? "maxmemory" : "machine's memory"} is used (${toMebibytes(usedBytes)} of ${toMebibytes(limit)} MiB)`,
      hint: limited
        ? "Raise maxmemory, or remove what else is kept there; when it is full, writes are refused."
        : "Give the machine more memory, or remove what else is kept there.",
    },
  ];
}

function findUnreadableSettings({
  isConfigForbidden,
  evictionPolicy,
  appendOnly,
  version,
}: ServerInfo): ServerFinding[] {
  if (!isConfigForbidden) return [];
  const unknown = [
    ...(version === undefined ? ["version"] : []),
    ...(evictionPolicy === undefined ? ["maxmemory-policy"] : []),
    ...(appendOnly === undefined ? ["appendonly"] : []),
  ];
  if (unknown.length === 0) {
    return [{ level: "note", message: "it forbids CONFIG GET, so its settings were read from INFO" }];
  }
  return [
    {
      level: "warning",
      message: `it tells neither by CONFIG GET nor by INFO its ${unknown.join(", ")}`,
      hint: "Make sure that maxmemory-policy is noeviction and that writes are persisted.",
    },
  ];
}

/** Below, at or above zero like a sort order; parts beyond the third and missing ones do not count. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function toMebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
