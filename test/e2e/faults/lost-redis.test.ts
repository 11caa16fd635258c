import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { describeManifest } from "#src/cli/format/describe-manifest.ts";
import { startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

const ITEMS = 1_000;
const ITEMS_PER_CALL = 10;

test("after Redis has lost its data twice, call counts are lower bounds, are marked with the reason, and are not too large", async () => {
  const server = await startRedisProcess();
  const client = new Redis(server.url);
  try {
    await using sandbox = await CliSandbox.open({
      latency: { fixedMs: 60 },
      limits: { requestsPerMinute: 100_000, concurrency: 4 },
      env: { REDIS_URL: server.url },
    });
    writeCorpus(sandbox, ITEMS);
    const cli = sandbox.embed(["corpus", "--out", "vectors", "--json", "--window", "200"]);
    const countLosses = () => cli.events().filter(({ event }) => event === "redis-lost-run").length;
    for (const [losses, share] of [0.1, 0.4].entries()) {
      const isHalfWay = ({ event, items }: { event: string; items?: unknown }) =>
        event === "progress" && (items as { succeeded: number }).succeeded >= share * ITEMS;
      await cli.event(isHalfWay, `progress of ${share}`);
      await client.flushall();
      await cli.event(() => countLosses() > losses, "the loss");
    }
    const marked = ({ event, calls }: { event: string; calls?: unknown }) =>
      event === "progress" && (calls as { isLowerBound?: boolean }).isLowerBound === true;
    await cli.event(marked, "progress with lower bounds");
    expect(await cli.exit).toMatchObject({ code: 0 });
    const manifest = sandbox.manifest("vectors");
    const { calls } = sandbox.simulator.statistics();
    expect(manifest.items).toMatchObject({ succeeded: ITEMS, failed: 0, missing: 0 });
    expect(manifest.calls.isLowerBound).toBe(true);
    expect(manifest.calls.made).toBeLessThanOrEqual(calls);
    expect(manifest.calls.made).toBeGreaterThanOrEqual(ITEMS / ITEMS_PER_CALL);
    expect(manifest.calls.paidTwice).toBeLessThanOrEqual(calls - ITEMS / ITEMS_PER_CALL);
    const report = describeManifest(manifest, "vectors");
    expect(report).toMatch(/at least \d+: .*at least \d+ paid twice/);
    expect(report).toContain("Redis lost data during this run");
  } finally {
    client.disconnect();
    await server.stop();
  }
});
