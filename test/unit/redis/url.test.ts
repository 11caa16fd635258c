import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "#src/core/failures/errors.ts";
import { describeRedis, parseRedisUrl, type RedisTarget } from "#src/redis/url.ts";

const local = { host: "localhost", port: 6379 };

describe("parseRedisUrl reads", () => {
  const table: readonly [string, RedisTarget][] = [
    ["redis://localhost", { kind: "standalone", address: local, db: 0 }],
    ["redis://localhost/", { kind: "standalone", address: local, db: 0 }],
    ["  redis://localhost:6379/0\n", { kind: "standalone", address: local, db: 0 }],
    ["REDIS://h:1/3", { kind: "standalone", address: { host: "h", port: 1 }, db: 3 }],
    ["redis://h?db=4", { kind: "standalone", address: { host: "h", port: 6379 }, db: 4 }],
    ["valkey://h", { kind: "standalone", address: { host: "h", port: 6379 }, db: 0 }],
    ["redis://[::1]:7000", { kind: "standalone", address: { host: "::1", port: 7000 }, db: 0 }],
    [
      "redis://:p%40ss%2F@h",
      { kind: "standalone", address: { host: "h", port: 6379 }, db: 0, login: { password: "p@ss/" } },
    ],
    ["redis://:p@ss@h", { kind: "standalone", address: { host: "h", port: 6379 }, db: 0, login: { password: "p@ss" } }],
    ["redis://:@h", { kind: "standalone", address: { host: "h", port: 6379 }, db: 0 }],
    [
      "redis://an%3An:a:b@h",
      {
        kind: "standalone",
        address: { host: "h", port: 6379 },
        db: 0,
        login: { username: "an:n", password: "a:b" },
      },
    ],
    ["rediss://h:1", { kind: "standalone", address: { host: "h", port: 1 }, db: 0, tls: {} }],
    [
      "rediss://h:1?ca=%2Fetc%2Fca.pem&cert=/c&key=/k",
      {
        kind: "standalone",
        address: { host: "h", port: 1 },
        db: 0,
        tls: { ca: "/etc/ca.pem", cert: "/c", key: "/k" },
      },
    ],
    ["unix:///run/redis.sock", { kind: "socket", path: "/run/redis.sock", db: 0 }],
    ["redis+unix:///a%20b.sock?db=2", { kind: "socket", path: "/a b.sock", db: 2 }],
    ["unix://:pw@/r.sock", { kind: "socket", path: "/r.sock", db: 0, login: { password: "pw" } }],
    [
      "redis+sentinel://u:p@a,b:2,[::1]:3/mymaster?db=1&sentinelPassword=s%26s",
      {
        kind: "sentinel",
        sentinels: [
          { host: "a", port: 26379 },
          { host: "b", port: 2 },
          { host: "::1", port: 3 },
        ],
        master: "mymaster",
        db: 1,
        login: { username: "u", password: "p" },
        sentinelLogin: { password: "s&s" },
      },
    ],
    [
      "rediss+sentinel://a/m?sentinelUsername=u&sentinelPassword=p&ca=/x",
      {
        kind: "sentinel",
        sentinels: [{ host: "a", port: 26379 }],
        master: "m",
        db: 0,
        sentinelLogin: { username: "u", password: "p" },
        tls: { ca: "/x" },
      },
    ],
    [
      "redis+cluster://:pw@a:1,b:2",
      {
        kind: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
        ],
        login: { password: "pw" },
      },
    ],
    ["rediss+cluster://a/0", { kind: "cluster", nodes: [{ host: "a", port: 6379 }], tls: {} }],
  ];
  test.each(table)("%s", (text, target) => {
    expect(parseRedisUrl(text)).toEqual(target);
  });
});

describe("parseRedisUrl reports the problem of", () => {
  const table: readonly [string, string][] = [
    ["", "has an unsupported form; supported: redis://"],
    ["localhost:6379", "has an unsupported form"],
    ["http://localhost", "has an unknown scheme"],
    ["redis://", "has no usable host"],
    ["redis://h:0", "has a port that is not a number from 1 to 65535"],
    ["redis://h:65536", "has a port that is not a number from 1 to 65535"],
    ["redis://h:", "has a port that is not a number from 1 to 65535"],
    ["redis://::1", "has no usable host"],
    ["redis://a,b", "has several hosts: use redis+cluster:// or redis+sentinel://"],
    ["redis://h/main", "has a database that is not a number"],
    ["redis://user@h", "has a user but no password"],
    ["redis://:p/w@h", 'has a "/", "?", "#" or "@" that is not percent-encoded'],
    ["redis://:p?w@h", 'has a "/", "?", "#" or "@" that is not percent-encoded'],
    ["redis://:p#w@h", 'has a "/", "?", "#" or "@" that is not percent-encoded'],
    ["redis://:100%@h", 'has a "%" in its password'],
    ["redis://h?timeout=3", 'has an unknown parameter after "?" (supported: db)'],
    ["redis://h?ca=/x", "(supported: db)"],
    ["redis://h?db=1&db=2", "has the parameter db twice"],
    ["rediss://h?cert=/x", "needs the parameters cert and key together"],
    ["unix://run/redis.sock", "has a host before the socket path"],
    ["unix:///", "has no socket path"],
    ["redis+sentinel://a:1,b:2", "has no master name"],
    ["redis+sentinel://a:1,b:x/m", "has a port in address 2 of 2"],
    ["redis+sentinel://a,/m", "has no usable host in address 2 of 2"],
    ["redis+sentinel://a/m?sentinelUsername=u", "has sentinelUsername without sentinelPassword"],
    ["redis+cluster://a,b/1", "selects a database, but a Redis Cluster has only database 0"],
    ["redis+cluster://a?db=1", "this form has no parameters"],
  ];
  test.each(table)("%s", (text, problem) => {
    expect(() => parseRedisUrl(text)).toThrow(ConfigError);
    expect(() => parseRedisUrl(text)).toThrow(problem);
  });
});

/** Too long to appear in a sentence by chance, and with every character that has a meaning in a URL. */
const secret = fc
  .string({ minLength: 8, maxLength: 30, unit: fc.constantFrom(..."xyzXYZ678:/?#[]@%&=,+ ~ü€") })
  .filter((text) => /[xyzXYZ678]{3}/.test(text));
const raw = fc.constantFrom(
  (password: string) => `redis://:${password}@host:6379/0`,
  (password: string) => `redis://${password}@host`,
  (password: string) => `redis://:${password}`,
  (password: string) => `redis://user:${password}@`,
  (password: string) => `redis+sentinel://a:1,b:2/m?sentinelPassword=${password}`,
  (password: string) => `redis+cluster://u:${password}@a:1,b:2`,
  (password: string) => `unix://:${password}@/run/redis.sock`,
  (password: string) => `redis://host:${password}/1`,
  (password: string) => `${password}://host`,
  (password: string) => password,
);

/** All substrings of three secret characters that `text` contains. */
function findEchoes(text: string, password: string): string[] {
  const runs = password.match(/[xyzXYZ678]{3,}/g) ?? [];
  return runs.filter((run) => text.includes(run));
}

test("no error repeats a password, wherever it is in the URL", () => {
  fc.assert(
    fc.property(secret, raw, (password, form) => {
      try {
        parseRedisUrl(form(password));
      } catch (error) {
        expect(findEchoes(`${String(error)} ${JSON.stringify(error)}`, password)).toEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("no description contains a password", () => {
  const wellPlaced = [
    (password: string) => `rediss://user:${password}@host:6379/0`,
    (password: string) => `redis+sentinel://u:${password}@a:1,b:2/m?sentinelPassword=${password}`,
    (password: string) => `redis+cluster://u:${password}@a:1,b:2`,
    (password: string) => `unix://:${password}@/run/redis.sock`,
  ];
  fc.assert(
    fc.property(secret, fc.constantFrom(...wellPlaced), (password, form) => {
      const description = describeRedis(parseRedisUrl(form(encodeURIComponent(password))));
      expect(findEchoes(description, password)).toEqual([]);
    }),
  );
});

const host = fc.constantFrom("localhost", "10.0.0.1", "::1", "redis.example.com");
const address = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
const db = fc.nat(15);
const text = fc.string({ minLength: 1, unit: "binary" });
const tls = fc.option(fc.constant({}), { nil: undefined });
const target = fc.oneof(
  fc.record({ kind: fc.constant("standalone" as const), address, db, tls }),
  fc.record({ kind: fc.constant("socket" as const), path: text.map((path) => `/${path}`), db }),
  fc.record({
    kind: fc.constant("sentinel" as const),
    sentinels: fc.array(address, { minLength: 1, maxLength: 4 }),
    master: text,
    db,
    tls,
  }),
  fc.record({
    kind: fc.constant("cluster" as const),
    nodes: fc.array(address, { minLength: 1, maxLength: 4 }),
    tls,
  }),
);

test("a description without credentials is a URL of the same server", () => {
  fc.assert(
    fc.property(target, (value) => {
      const expected = Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
      expect(parseRedisUrl(describeRedis(expected as RedisTarget))).toEqual(expected);
    }),
  );
});

test("user and password are percent-decoded", () => {
  fc.assert(
    fc.property(text, text, (username, password) => {
      const url = `redis://${encodeURIComponent(username)}:${encodeURIComponent(password)}@h`;
      const parsed = parseRedisUrl(url);
      expect(parsed.login).toEqual({ username, password });
      expect(describeRedis(parsed)).toBe("redis://h:6379/0");
    }),
  );
});
