import { expect, test } from "vitest";
import { KeyAccess } from "#src/api/access/key-access.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { waitFor } from "#test/support/wait-for.ts";

test("without a connection to Redis, a request is refused with 503 after some seconds, and not before", async () => {
  // Nothing listens there.
  const source = openRedis(parseRedisUrl("redis://127.0.0.1:1"));
  const clock = createFakeClock(0);
  const access = new KeyAccess({
    ...{ client: source.connect("commands"), keys: createKeys("none"), registry: createRegistry(), clock },
    ...{ isLoopback: true, onUse: () => undefined, onError: () => undefined },
  });
  let error: unknown;
  const refused = access.authenticate({}).catch((thrown) => {
    error = thrown;
  });
  await clock.advance(4_999);
  expect(error).toBeUndefined();
  await waitFor(
    async () => {
      await clock.advance(1);
      return error !== undefined;
    },
    { what: "the refusal" },
  );
  expect(error).toMatchObject({ details: { status: 503, code: "unavailable", retryAfterMs: 2_000 } });
  await refused;
  await access.close();
  await source.close();
});
