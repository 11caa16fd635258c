import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { checkServer } from "#src/redis/check-server.ts";

/** A standalone server with these INFO fields that rejects CONFIG. */
function createClient(info: Readonly<Record<string, string>>): Redis {
  const rejected = Object.assign(new Error("NOPERM"), { name: "ReplyError" });
  return {
    ping: async () => "PONG",
    info: async () =>
      Object.entries({ redis_version: "7.0.15", role: "master", ...info })
        .map((pair) => pair.join(":"))
        .join("\r\n"),
    config: async () => Promise.reject(rejected),
    eval: async () => "ok",
    unlink: async () => 1,
  } as unknown as Redis;
}

test("a failed write of the append-only file rejects the server", async () => {
  const info = { maxmemory_policy: "noeviction", aof_enabled: "1", aof_last_write_status: "err" };
  const { findings } = await checkServer(createClient(info));
  expect(findings).toContainEqual(
    expect.objectContaining({ level: "refusal", message: expect.stringContaining("append-only file") }),
  );
  const { findings: healthy } = await checkServer(createClient({ ...info, aof_last_write_status: "ok" }));
  expect(healthy.filter(({ level }) => level !== "note")).toEqual([]);
});
