import { ConfigError } from "#src/core/failures/errors.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Credentials of a connection; without a username, those of the default user. */
export interface RedisLogin {
  readonly username?: string;
  readonly password: string;
}

/** Paths of PEM files, read by `openRedis`. */
export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export type RedisTarget =
  | {
      readonly kind: "standalone";
      readonly address: RedisAddress;
      readonly db: number;
      readonly login?: RedisLogin;
      readonly tls?: RedisTls;
    }
  | { readonly kind: "socket"; readonly path: string; readonly db: number; readonly login?: RedisLogin }
  | {
      readonly kind: "sentinel";
      readonly sentinels: readonly RedisAddress[];
      /** Name of the master in the Sentinels' configuration. */
      readonly master: string;
      readonly db: number;
      readonly login?: RedisLogin;
      readonly sentinelLogin?: RedisLogin;
      readonly tls?: RedisTls;
    }
  | {
      readonly kind: "cluster";
      readonly nodes: readonly RedisAddress[];
      readonly login?: RedisLogin;
      readonly tls?: RedisTls;
    };

const URL_FORMS =
  "redis://[user:password@]host[:6379][/db], rediss://..., unix:///path/to.sock, " +
  "redis+sentinel://[user:password@]host:26379,host:26379/master-name, redis+cluster://[user:password@]host:6379,host:6379";

type Kind = RedisTarget["kind"];
const SCHEMES: Readonly<Record<string, { kind: Kind; tls: boolean }>> = {
  redis: { kind: "standalone", tls: false },
  rediss: { kind: "standalone", tls: true },
  valkey: { kind: "standalone", tls: false },
  valkeys: { kind: "standalone", tls: true },
  unix: { kind: "socket", tls: false },
  "redis+unix": { kind: "socket", tls: false },
  "redis+sentinel": { kind: "sentinel", tls: false },
  "rediss+sentinel": { kind: "sentinel", tls: true },
  "redis+cluster": { kind: "cluster", tls: false },
  "rediss+cluster": { kind: "cluster", tls: true },
};

const PARAMETERS: Readonly<Record<Kind, readonly string[]>> = {
  standalone: ["db"],
  socket: ["db"],
  sentinel: ["db", "sentinelUsername", "sentinelPassword"],
  cluster: [],
};
const TLS_PARAMETERS = ["ca", "cert", "key"];

interface UrlParts {
  readonly kind: Kind;
  readonly tls: boolean;
  readonly login: RedisLogin | undefined;
  readonly hosts: string;
  /** Percent-decoded, without the leading slash except for a socket. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

/**
 * Parses a Redis URL. Throws a ConfigError that describes the problem without quoting any part of the URL, because a
 * misplaced character can turn a password into a host, a port or a path.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const parts = splitUrl(text.trim());
  const { kind, query } = parts;
  const shared = {
    login: parts.login,
    tls: parts.tls ? parseTlsFiles(query) : undefined,
  };
  switch (kind) {
    case "socket":
      if (parts.hosts !== "") fail("has a host before the socket path: write unix:/// with three slashes");
      if (parts.path.length < 2) fail("has no socket path after unix://");
      return { kind, path: parts.path, db: parseDatabase(query.get("db") ?? "0"), ...shared };
    case "standalone": {
      const db = parseDatabase(query.get("db") ?? (parts.path === "" ? "0" : parts.path));
      const [address, ...more] = parseAddresses(parts.hosts, 6379);
      if (address === undefined || more.length > 0)
        fail("has several hosts: use redis+cluster:// or redis+sentinel://");
      return { kind, address, db, ...shared };
    }
    case "sentinel": {
      if (parts.path === "") fail("has no master name after the Sentinels: redis+sentinel://host:26379/master-name");
      const sentinels = parseAddresses(parts.hosts, 26379);
      const db = parseDatabase(query.get("db") ?? "0");
      return { kind, sentinels, master: parts.path, db, ...shared, sentinelLogin: readSentinelLogin(query) };
    }
    case "cluster":
      if (parts.path !== "" && parts.path !== "0") fail("selects a database, but a Redis Cluster has only database 0");
      return { kind, nodes: parseAddresses(parts.hosts, 6379), ...shared };
  }
}

/** The URL without user, password and TLS files; safe to print. */
export function describeRedis(target: RedisTarget): string {
  const db = "db" in target && target.db !== 0 ? `?db=${target.db}` : "";
  if (target.kind === "socket") return `unix://${encodePath(target.path)}${db}`;
  const secure = target.tls === undefined ? "redis" : "rediss";
  switch (target.kind) {
    case "standalone":
      return `${secure}://${formatAddress(target.address)}/${target.db}`;
    case "sentinel": {
      const hosts = target.sentinels.map(formatAddress).join(",");
      return `${secure}+sentinel://${hosts}/${encodeURIComponent(target.master)}${db}`;
    }
    case "cluster":
      return `${secure}+cluster://${target.nodes.map(formatAddress).join(",")}`;
  }
}

function fail(problem: string): never {
  throw new ConfigError([`the Redis URL ${problem}`]);
}

function splitUrl(text: string): UrlParts {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(text);
  if (match === null) fail(`has an unsupported form; supported: ${URL_FORMS}`);
  const [, scheme = "", authority = "", path = "", search = "", fragment] = match;
  const known = SCHEMES[scheme.toLowerCase()];
  if (known === undefined) fail(`has an unknown scheme; supported: ${URL_FORMS}`);
  if (fragment !== undefined || `${path}${search}`.includes("@")) {
    fail('has a "/", "?", "#" or "@" that is not percent-encoded, perhaps in the password (%2F, %3F, %23, %40)');
  }
  const at = authority.lastIndexOf("@");
  const decodedPath = decode(path, "path");
  return {
    ...known,
    login: at === -1 ? undefined : readLogin(authority.slice(0, at)),
    hosts: authority.slice(at + 1),
    path: known.kind === "socket" ? decodedPath : decodedPath.replace(/^\//, ""),
    query: readQuery(search, [...PARAMETERS[known.kind], ...(known.tls ? TLS_PARAMETERS : [])]),
  };
}

function readLogin(userinfo: string): RedisLogin | undefined {
  const colon = userinfo.indexOf(":");
  const username = decode(colon === -1 ? userinfo : userinfo.slice(0, colon), "user");
  const password = colon === -1 ? "" : decode(userinfo.slice(colon + 1), "password");
  if (password === "") {
    if (username === "") return undefined;
    fail("has a user but no password: write user:password@, or :password@ for the default user");
  }
  return username === "" ? { password } : { username, password };
}

function readQuery(search: string, allowed: readonly string[]): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (!allowed.includes(name)) {
      const supported = allowed.length === 0 ? "this form has no parameters" : `supported: ${allowed.join(", ")}`;
      fail(`has an unknown parameter after "?" (${supported})`);
    }
    if (query.has(name)) fail(`has the parameter ${name} twice`);
    query.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1), name));
  }
  return query;
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail(`has a "%" in its ${part} that does not start a percent-encoded character: write it as %25`);
  }
}

function parseDatabase(text: string): number {
  if (!/^\d{1,5}$/.test(text)) fail("has a database that is not a number from 0 to 99999");
  return Number(text);
}

function parseAddresses(hosts: string, defaultPort: number): [RedisAddress, ...RedisAddress[]] {
  const list = hosts.split(",");
  const [first, ...more] = list.map((text, index) => {
    const where = list.length === 1 ? "" : ` in address ${index + 1} of ${list.length}`;
    const match = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+)(?::(.*))?$/s.exec(text);
    if (match === null) return fail(`has no usable host${where}`);
    const [, host = "", port] = match;
    return { host: decode(host.replace(/^\[|\]$/g, ""), "host"), port: readPort(port, defaultPort, where) };
  });
  return [first ?? fail("has no host"), ...more];
}

function readPort(text: string | undefined, defaultPort: number, where: string): number {
  if (text === undefined) return defaultPort;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) fail(`has a port${where} that is not a number from 1 to 65535`);
  return port;
}

function readSentinelLogin(query: ReadonlyMap<string, string>): RedisLogin | undefined {
  const username = query.get("sentinelUsername") || undefined;
  const password = query.get("sentinelPassword") || undefined;
  if (password !== undefined) return { username, password };
  if (username !== undefined) fail("has sentinelUsername without sentinelPassword");
  return undefined;
}

function parseTlsFiles(query: ReadonlyMap<string, string>): RedisTls {
  const [ca, cert, key] = TLS_PARAMETERS.map((name) => query.get(name));
  if ((cert === undefined) !== (key === undefined)) fail("needs the parameters cert and key together");
  return { ca, cert, key };
}

function formatAddress({ host, port }: RedisAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
