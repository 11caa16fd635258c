import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareVersions, findServerProblems, type ServerInfo } from "#src/redis/check-server-rules.ts";

const good: ServerInfo = {
  flavour: "redis",
  version: "7.0.15",
  role: "master",
  evictionPolicy: "noeviction",
  appendOnly: true,
  appendFsync: "everysec",
  isAppendFailing: false,
  usedBytes: 10,
  maxBytes: 0,
  systemBytes: 1_000,
  isConfigForbidden: false,
};

test("a server with an append-only file, no eviction and free memory has no problems", () => {
  expect(findServerProblems(good)).toEqual([]);
  expect(findServerProblems({ ...good, flavour: "valkey", version: "8.0.1" })).toEqual([]);
});

describe("problems of a server", () => {
  const table: readonly [string, Partial<ServerInfo>, string, string][] = [
    ["an evicting policy", { evictionPolicy: "allkeys-lru" }, "refusal", "maxmemory-policy is allkeys-lru"],
    ["a policy that evicts expiring keys", { evictionPolicy: "volatile-ttl" }, "refusal", "volatile-ttl"],
    ["a replica", { role: "slave" }, "refusal", "it is a replica (role slave)"],
    ["an old version", { version: "6.0.16" }, "refusal", "it is redis 6.0.16, but 6.2 or later is required"],
    ["a failing disk", { isAppendFailing: true }, "refusal", "its last write to the append-only file failed"],
    ["no persistence", { appendOnly: false }, "warning", "its append-only file is off"],
    ["no fsync", { appendFsync: "no" }, "warning", "appendfsync no"],
    ["full maxmemory", { usedBytes: 95, maxBytes: 100 }, "warning", "it uses 95 % of maxmemory"],
    ["a full machine", { usedBytes: 800 }, "warning", "it uses 80 % of the machine's memory"],
    ["a forbidden CONFIG", { isConfigForbidden: true }, "note", "it forbids CONFIG GET"],
  ];
  test.each(table)("%s", (_name, info, level, message) => {
    const [finding, ...more] = findServerProblems({ ...good, ...info });
    expect(more).toEqual([]);
    expect(finding?.level).toBe(level);
    expect(finding?.message).toContain(message);
  });
});

test("a server that reports nothing causes a warning that lists what is unknown, but no rejection", () => {
  const findings = findServerProblems({ flavour: "redis", isConfigForbidden: true });
  expect(findings).toHaveLength(1);
  expect(findings[0]?.level).toBe("warning");
  expect(findings[0]?.message).toContain("version, maxmemory-policy, appendonly");
});

test("the hint for a server setting is a complete command", () => {
  const findings = findServerProblems({ ...good, evictionPolicy: "allkeys-lru", appendOnly: false });
  expect(findings.map((finding) => finding.hint)).toEqual([
    expect.stringContaining("redis-cli CONFIG SET maxmemory-policy noeviction"),
    expect.stringContaining("redis-cli CONFIG SET appendonly yes"),
  ]);
});

test("versions are ordered by number, part by part", () => {
  const part = fc.nat(300);
  fc.assert(
    fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (left, right) => {
      const byWeight = (parts: number[]) => parts.reduce((sum, value) => sum * 1_000 + value, 0);
      const order = Math.sign(compareVersions(left.join("."), right.join(".")));
      expect(order).toBe(Math.sign(byWeight(left) - byWeight(right)));
    }),
  );
  expect(compareVersions("6.2", "6.2.0")).toBe(0);
});
