/**
 * `refusal`: Sluice must not use this server. `warning`: Sluice works, but a guarantee is weaker. `note`: information
 * only.
 */
export type FindingLevel = "refusal" | "warning" | "note";

export interface ServerFinding {
  readonly level: FindingLevel;
  /** One sentence that starts in lower case; its subject is the server. */
  readonly message: string;
  /** What to run or to change. */
  readonly hint?: string;
}

/** Facts about one node; undefined where the node does not provide them. */
export interface ServerInfo {
  readonly flavour: "redis" | "valkey";
  readonly version?: string;
  readonly role?: string;
  readonly evictionPolicy?: string;
  readonly appendOnly?: boolean;
  readonly appendFsync?: string;
  /** Whether the last write of the append-only file failed. */
  readonly isAppendFailing?: boolean;
  readonly usedBytes?: number;
  /** 0 means no limit. */
  readonly maxBytes?: number;
  readonly systemBytes?: number;
  readonly isConfigForbidden: boolean;
}

/** The first version with XTRIM MINID, ZADD GT and XAUTOCLAIM. */
export const MIN_SERVER_VERSION = "6.2";
const MEMORY_WARNING_SHARE = 0.8;

/** Derives the findings from the facts about a node. Pure. */
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
  if (version === undefined || compareVersions(version, MIN_SERVER_VERSION) >= 0) return [];
  return [
    {
      level: "refusal",
      message: `it is ${flavour} ${version}, but ${MIN_SERVER_VERSION} or later is required`,
      hint: "Upgrade the server, or unset REDIS_URL so that Sluice runs a private Redis.",
    },
  ];
}

function findRoleProblems({ role }: ServerInfo): ServerFinding[] {
  if (role === undefined || role === "master") return [];
  return [
    {
      level: "refusal",
      message: `it is a replica (role ${role}) and does not accept writes`,
      hint: "Use the address of the master, or of the Sentinels: redis+sentinel://host:26379/master-name.",
    },
  ];
}

function findEvictionProblems({ evictionPolicy }: ServerInfo): ServerFinding[] {
  if (evictionPolicy === undefined || evictionPolicy === "noeviction") return [];
  return [
    {
      level: "refusal",
      message: `its maxmemory-policy is ${evictionPolicy}, so it evicts jobs and results when memory is full`,
      hint: "redis-cli CONFIG SET maxmemory-policy noeviction (and the same line in redis.conf)",
    },
  ];
}

function findPersistenceProblems({ appendOnly, appendFsync, isAppendFailing }: ServerInfo): ServerFinding[] {
  if (isAppendFailing) {
    return [
      {
        level: "refusal",
        message: "its last write to the append-only file failed, so it refuses writes or loses them",
        hint: "Free disk space on the server, and check its log.",
      },
    ];
  }
  if (appendOnly === false) {
    return [
      {
        level: "warning",
        message: "its append-only file is off, so a crash of Redis loses all writes since the last snapshot",
        hint: "redis-cli CONFIG SET appendonly yes (and the same line in redis.conf)",
      },
    ];
  }
  if (appendFsync !== "no") return [];
  return [
    {
      level: "warning",
      message:
        "it never syncs the append-only file (appendfsync no), so a power failure can lose half a minute of writes",
      hint: "redis-cli CONFIG SET appendfsync everysec (and the same line in redis.conf)",
    },
  ];
}

function findMemoryProblems({ usedBytes, maxBytes, systemBytes }: ServerInfo): ServerFinding[] {
  const hasLimit = maxBytes !== undefined && maxBytes > 0;
  const limit = hasLimit ? maxBytes : systemBytes;
  if (usedBytes === undefined || limit === undefined || limit === 0 || usedBytes < MEMORY_WARNING_SHARE * limit)
    return [];
  const share = Math.floor((100 * usedBytes) / limit);
  return [
    {
      level: "warning",
      message: `it uses ${share} % of ${hasLimit ? "maxmemory" : "the machine's memory"} (${toMebibytes(usedBytes)} of ${toMebibytes(limit)} MiB)`,
      hint: hasLimit
        ? "Raise maxmemory or delete other data; Redis refuses writes when it is full."
        : "Add memory to the machine or delete other data.",
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
  const values = { version, "maxmemory-policy": evictionPolicy, appendonly: appendOnly };
  const unknown = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (unknown.length === 0) {
    return [{ level: "note", message: "it forbids CONFIG GET, so its settings were read from INFO" }];
  }
  return [
    {
      level: "warning",
      message: `neither CONFIG GET nor INFO shows its ${unknown.join(", ")}`,
      hint: "Make sure that maxmemory-policy is noeviction and that writes are persisted.",
    },
  ];
}

/** Negative, zero or positive, as for `sort`. Missing parts count as 0, and parts after the third are ignored. */
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
