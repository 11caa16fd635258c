import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startRedisProcess } from "#test/support/redis/redis-process.ts";
import { CliSandbox, hasProgressedTo, MODEL } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText, writeCorpus } from "#test/support/runs/corpus.ts";
import { waitFor } from "#test/support/wait-for.ts";

const KEY = "sk-e2e-secret-0123456789abcdef";

test("a finished run can be listed, shown and searched, and no API key is stored anywhere", async () => {
  const redis = await startRedisProcess();
  try {
    await using sandbox = await CliSandbox.open({
      apiKey: KEY,
      limits: { requestsPerMinute: 100_000, concurrency: 4 },
      env: { REDIS_URL: redis.url, MINIMAX_API_KEY: KEY, SLUICE_LOG_LEVEL: "trace" },
    });
    writeCorpus(sandbox, 400);
    const release = sandbox.simulator.hold(20);
    const cli = sandbox.embed(["corpus", "--out", "vectors", "--with-text", "--json"]);
    await cli.event(hasProgressedTo(0.3), "three tenths of the items");
    const client = new Redis(redis.url);
    const inFlight = await dumpAll(client);
    release();
    expect(inFlight).toContain("embo-01");
    expect(inFlight).not.toContain(KEY);
    expect(await cli.exit).toMatchObject({ code: 0 });

    const listed = await sandbox.run(["runs"]);
    const { run } = sandbox.manifest("vectors");
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(listed.stdout).toMatch(new RegExp(`${run} +finished +${MODEL} +400`));
    for (const wanted of [run, "vectors"]) {
      const shown = await sandbox.run(["runs", wanted]);
      expect(shown).toMatchObject({ code: 0, stderr: "" });
      expect(shown.stdout).toMatch(/items +400: 400 succeeded, 0 failed, 0 missing/);
    }
    expect(JSON.parse((await sandbox.run(["runs", run, "--json"])).stdout)).toEqual(sandbox.manifest("vectors"));
    expect(await sandbox.run(["runs", "no-such-run"])).toMatchObject({ code: 2 });

    // As seen from another machine, beside a run of which Redis knows only the id.
    await client.hset(`sluice:v2:{run:${run}}:meta`, { host: "elsewhere" });
    await client.zadd("sluice:v2:runs", Date.now() - 60_000, "e-older");
    const elsewhere = await sandbox.run(["runs", "--limit", "1"]);
    expect(elsewhere.stdout).toMatch(new RegExp(`${run} +finished +${MODEL} +400 +100\\s?% +0`));
    expect(elsewhere.stdout).toMatch(/\nShowing 1 of 2 runs; "sluice runs --all" lists all, --limit more\.\n$/);
    expect((await sandbox.run(["runs", "--all"])).stdout).toContain("e-older");
    const gone = await sandbox.run(["resume", run]);
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining("not on this machine (elsewhere: ") });

    const found = await sandbox.run(["search", "vectors", buildCorpusText(123), "--top", "3", "--json"]);
    expect(found.code).toBe(0);
    const hits = found.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(hits).toHaveLength(3);
    expect(hits[0]).toMatchObject({ id: "c-123", text: buildCorpusText(123) });
    expect(hits[0].score).toBeGreaterThan(0.999);
    expect(await sandbox.run(["search", "corpus", "text"])).toMatchObject({ code: 2 });

    await client.config("SET", "auto-aof-rewrite-percentage", "0");
    const everything = [
      await dumpAll(client),
      ...filesBelow(redis.dir),
      ...filesBelow(sandbox.path("vectors")),
      ...[cli.stdout(), cli.stderr(), listed.stdout, found.stdout, found.stderr],
    ];
    client.disconnect();
    for (const text of everything) expect(text.includes(KEY)).toBe(false);
    await sandbox.waitUntilNoProcesses();
  } finally {
    await redis.stop();
  }
});

test("doctor reports what works, what is wrong and how to fix it, and never prints a secret", async () => {
  await using sandbox = await CliSandbox.open({ env: { MINIMAX_API_KEY: KEY } });
  const brief = await sandbox.run(["doctor"]);
  expect(brief.stdout.split("\n")[0]).toMatch(/^(?:No problems found\.|\d+ warnings?:)$/);
  expect(brief.stdout.split("\n").length).toBeLessThan(24);
  const healthy = await sandbox.run(["doctor", "--all"]);
  expect(healthy).toMatchObject({ code: 0, stderr: "" });
  expect(healthy.stdout).toMatch(/ok +redis +private/);
  expect(healthy.stdout).toContain("from sluice.yaml");
  expect(healthy.stdout).toContain("not configured: SPARK_API_KEY, SPARK_APP_ID and SPARK_API_SECRET are not set");
  // All names share one column, whatever their length.
  const starts = healthy.stdout.split("\n").map((line) => /^(?:ok|note|WARNING) +\S+ +(?=\S)/.exec(line)?.[0].length);
  expect(new Set(starts.filter((start) => start !== undefined)).size).toBe(1);
  const broken = await sandbox.run(["doctor", "--json"], {
    env: { REDIS_URL: "redis://:pa55word@127.0.0.1:1", MINIMAX_API_KEY: undefined },
  });
  expect(broken.code).toBe(2);
  const findings: { area: string; level: string; message: string }[] = JSON.parse(broken.stdout);
  const problems = findings.filter(({ level }) => level === "problem").map(({ area }) => area);
  expect(problems).toEqual(expect.arrayContaining(["providers", "redis"]));
  for (const { stdout, stderr } of [healthy, broken]) expect(stdout + stderr).not.toMatch(/pa55word|sk-e2e/);
  sandbox.write("sluice.yaml", "providers: { minimax: { modles: {} } }\n");
  const invalid = await sandbox.run(["doctor"]);
  expect(invalid).toMatchObject({ code: 2 });
  expect(invalid.stdout).toMatch(/PROBLEM +settings .*models/);
  await sandbox.waitUntilNoProcesses();
});

test("a Redis that evicts is rejected, one without persistence causes a warning, an unreachable one is reported", async () => {
  const [evicting, forgetful] = await Promise.all([
    startRedisProcess({
      settings: [
        ["maxmemory", "50mb"],
        ["maxmemory-policy", "allkeys-lru"],
      ],
    }),
    startRedisProcess({ settings: [["appendonly", "no"]] }),
  ]);
  try {
    await using sandbox = await CliSandbox.open();
    writeCorpus(sandbox, 20);
    const embed = (url: string) => sandbox.embed(["corpus", "--out", "vectors"], { env: { REDIS_URL: url } }).exit;
    const rejected = await embed(evicting.url);
    expect(rejected).toMatchObject({ code: 2, stderr: expect.stringMatching(/allkeys-lru[\s\S]*noeviction/) });
    const away = await embed("redis://:pa55word@127.0.0.1:1");
    expect(away).toMatchObject({ code: 2, stderr: expect.stringContaining("127.0.0.1:1") });
    expect(away.stderr).not.toContain("pa55word");
    expect(sandbox.simulator.statistics().calls).toBe(0);
    const warned = await embed(forgetful.url);
    expect(warned).toMatchObject({ code: 0, stderr: expect.stringMatching(/persist|appendonly/) });
    await sandbox.waitUntilNoProcesses();
  } finally {
    await Promise.all([evicting.stop(), forgetful.stop()]);
  }
});

test("the simulator serves the URLs that it prints until it is stopped", async () => {
  await using sandbox = await CliSandbox.open();
  const simulate = sandbox.start(["simulate", "--port", "0", "--latency", "0"]);
  const readUrl = () => /MINIMAX_BASE_URL=(\S+)/.exec(simulate.stdout())?.[1];
  const url = await waitFor(readUrl, { what: "the simulator's URLs" });
  writeCorpus(sandbox, 20);
  expect(await sandbox.embed(["corpus", "--out", "v"], { env: { MINIMAX_BASE_URL: url } }).exit).toMatchObject({
    code: 0,
  });
  expect(sandbox.simulator.statistics().calls).toBe(0);
  simulate.kill("SIGINT");
  expect(await simulate.exit).toMatchObject({ code: 0, stderr: "" });
  await sandbox.waitUntilNoProcesses();
});

test("a port that is in use is reported", async () => {
  await using sandbox = await CliSandbox.open();
  const port = String(sandbox.simulator.port);
  const { code, stderr } = await sandbox.run(["simulate", "--port", port]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `sluice: port ${port} is in use\n  Choose another port with --port; 0 selects a free port.\n`,
  });
  const outside = await sandbox.run(["simulate", "--port", "99999"]);
  expect(outside.code).toBe(2);
  expect(outside.stderr).toContain("expected a port from 0 to 65535");
});

test("the demo completes and leaves nothing behind", async () => {
  await using sandbox = await CliSandbox.open();
  const demo = await sandbox.run(["demo"], { env: { TMPDIR: sandbox.path(), MINIMAX_API_KEY: undefined } });
  expect(demo).toMatchObject({ code: 0 });
  expect(demo.stderr).toMatch(/items? succeeded/);
  expect(demo.stdout).toMatch(/^Dashboard: http:\/\/127\.0\.0\.1:\d+$/m);
  expect(demo.stdout).toContain("To do the same with a real account");
  expect(demo.stdout).toContain("refused 0");
  expect(readdirSync(sandbox.path()).filter((name) => name.startsWith("sluice-demo"))).toEqual([]);
  await sandbox.waitUntilNoProcesses();
});

/** All keys and values of a Redis as text. */
async function dumpAll(client: Redis): Promise<string> {
  const parts: string[] = [];
  for (const key of await client.keys("*")) {
    const dump = await client.dumpBuffer(key);
    parts.push(key, dump?.toString("latin1") ?? "");
    const type = await client.type(key);
    // DUMP compresses values, so hashes and streams are also read directly.
    if (type === "hash") parts.push(JSON.stringify(await client.hgetall(key)));
    if (type === "stream") parts.push(JSON.stringify(await client.xrange(key, "-", "+", "COUNT", 100)));
    if (type === "string") parts.push((await client.getBuffer(key))?.toString("latin1") ?? "");
  }
  return parts.join("\n");
}

function filesBelow(dir: string): string[] {
  const names = execFileSync("find", [dir, "-type", "f"], { encoding: "utf8" }).trim().split("\n");
  return names.filter((name) => name !== "").map((name) => readFileSync(name, "latin1"));
}
