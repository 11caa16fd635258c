import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "#src/core/failures/errors.ts";
import { openRedis } from "#src/redis/connection.ts";
import { reconnectDelay } from "#src/redis/redis-client.ts";

test("the delay before a reconnection grows, is never zero and never longer than two seconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const delay = reconnectDelay(attempt, random);
      expect(delay).toBeGreaterThanOrEqual(50);
      expect(delay).toBeLessThanOrEqual(2_000);
      expect(reconnectDelay(attempt + 1, random)).toBeGreaterThanOrEqual(delay);
    }),
  );
});

test("an unreadable TLS file is reported before any connection is opened", () => {
  const target = {
    kind: "standalone",
    address: { host: "localhost", port: 1 },
    db: 0,
    tls: { ca: "/no/such.pem" },
  };
  expect(() => openRedis({ ...target, kind: "standalone" })).toThrow(ConfigError);
  expect(() => openRedis({ ...target, kind: "standalone" })).toThrow("parameter ca cannot be read (ENOENT)");
});
