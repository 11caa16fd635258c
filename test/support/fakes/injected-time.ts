import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { RedisClient } from "#src/redis/script.ts";

/**
 * Prepended to a script, this replaces the server's clock: TIME returns the time passed as an additional last argument,
 * and PEXPIRE expires keys by the same clock.
 */
const PRELUDE = `
local injectedNow = tonumber(table.remove(ARGV))
local server = redis
local redis = { call = function(command, key, ...)
  if command == 'TIME' then return { math.floor(injectedNow / 1000), injectedNow % 1000 * 1000 } end
  if command == 'PEXPIRE' then return server.call('SET', key .. ':expires-at', injectedNow + select(1, ...)) end
  return server.call(command, key, ...)
end }
for _, key in ipairs(KEYS) do
  local expiresAt = tonumber(server.call('GET', key .. ':expires-at') or nil)
  if expiresAt and expiresAt <= injectedNow then server.call('DEL', key) end
end
`;

/** A client that runs Lua scripts with `now` (epoch ms) as the server's clock, and otherwise unchanged. */
export function injectTime(client: Redis, now: () => number): RedisClient {
  const shaByOriginal = new Map<string, string>();
  const injected = {
    async evalsha(sha: string, keyCount: number, ...values: (string | number)[]) {
      const injectedSha = shaByOriginal.get(sha);
      if (injectedSha === undefined) throw new Error("NOSCRIPT not loaded with the prelude yet");
      return await client.evalsha(injectedSha, keyCount, ...values, now());
    },
    async eval(source: string, keyCount: number, ...values: (string | number)[]) {
      shaByOriginal.set(sha1(source), sha1(PRELUDE + source));
      return await client.eval(PRELUDE + source, keyCount, ...values, now());
    },
  };
  return injected as unknown as RedisClient;
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
