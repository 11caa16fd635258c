import { expect, test } from "vitest";
import { createKeys, KEY_FORMAT } from "#src/redis/keys.ts";

test("every key, including BullMQ's prefix, contains the format version once, after the namespace", () => {
  const keys = createKeys("ns");
  const lane = { provider: "minimax", account: "default", model: "embo-01" };
  const telemetry = keys.telemetry("minimax/embo-01");
  const all = [
    ...Object.values(keys.answers),
    ...Object.values(keys.apiKeys),
    ...Object.values(keys.queueTurns("q")),
    ...[keys.tenantObjects("t", "file").list, keys.tenantObjects("t", "file").object("f")],
    ...Object.values({ ...keys.apiKeyUsage("k"), counted: keys.apiKeyUsage("k").counted("i") }),
    ...Object.values(keys.item("i")),
    ...Object.values(keys.run("r")),
    ...Object.values(keys.lane(lane)),
    ...[telemetry.totals, telemetry.step("fine", 1), telemetry.step("coarse", 1)],
    ...[keys.queuePrefix("q"), keys.worker("w"), keys.gauges("hour", 1), keys.gauges("day", 1)],
    ...[keys.runs, keys.workers, keys.lanes, keys.records, keys.audit, keys.readinessProbe],
  ];
  expect(new Set(all).size).toBe(all.length);
  for (const key of all) {
    expect(key).toMatch(new RegExp(`^ns:v${KEY_FORMAT}:`));
    expect(key.split(`v${KEY_FORMAT}`)).toHaveLength(2);
  }
  expect(keys.run("r").meta).toBe(`ns:v${KEY_FORMAT}:{run:r}:meta`);
});
