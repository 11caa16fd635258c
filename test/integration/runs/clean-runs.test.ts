import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { runClean } from "#src/cli/commands/runs/remove/clean.ts";
import { runVerify } from "#src/cli/commands/verify/verify.ts";
import { readManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { listRuns } from "#src/state/runs/run-list.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { writeSampleOutput } from "#test/unit/producer/verify/support/sample-output.ts";

const DAY = 24 * 3600_000;
const GLOBAL = { config: undefined, commandLine: { args: [], cwd: "", inputOptions: {} } };
const OPTIONS = { ...GLOBAL, olderThan: undefined, in: undefined, outputs: false, yes: true, json: true };

let client: RedisClient;
let keys: Keys;
let dir: string;
let written: string[];

beforeEach(async () => {
  const redis = openTestRedis();
  client = redis.connect();
  keys = createKeys(redis.namespace);
  dir = mkdtempSync(join(tmpdir(), "sluice-clean-"));
  written = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  vi.stubEnv("REDIS_URL", redis.url);
  vi.stubEnv("SLUICE_NAMESPACE", redis.namespace);
  vi.spyOn(process, "cwd").mockReturnValue(dir);
  return async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await redis[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  };
});

/** A run that finished `daysAgo`, without failures, whose work folder was left behind. */
async function finish(run: string, daysAgo: number): Promise<string> {
  const folder = join(dir, run);
  mkdirSync(folder);
  await writeSampleOutput(folder, "jsonl");
  mkdirSync(join(folder, ".work"));
  const manifest = await readManifest(folder);
  if (!manifest) throw new Error("the sample has no manifest");
  const finishedAt = new Date(Date.now() - daysAgo * DAY).toISOString();
  await writeManifest(folder, { ...manifest, run, finishedAt, items: { ...manifest.items, failed: 0 } });
  return folder;
}

async function register(run: string, folder: string): Promise<RunControl> {
  const control = new RunControl(client, keys, run);
  await control.register(Date.now());
  await control.updateMeta({ state: "done", dir: folder, host: hostname() });
  return control;
}

test("removes old finished runs and left work folders; keeps outputs, newer runs, and runs in use", async () => {
  const [old, recent, busy, unlisted] = [
    await finish("old", 40),
    await finish("recent", 1),
    await finish("busy", 40),
    await finish("unlisted", 40),
  ];
  await register("old", old);
  await register("recent", recent);
  const holder = `${hostname()}/${process.pid}/x`;
  await (await register("busy", busy)).acquireLease(holder, 60_000);
  expect(await runClean({ ...OPTIONS, in: [dir] })).toBe(0);
  const report = JSON.parse(written.join(""));
  expect({ ...report, runs: report.runs.sort() }).toMatchObject({ runs: ["old", "unlisted"], workFolders: 1 });
  expect(report.kept).toEqual([expect.stringContaining(`busy is in use by process ${process.pid}`)]);
  expect((await listRuns(client, keys)).map(({ run }) => run).sort()).toEqual(["busy", "recent"]);
  for (const folder of [old, recent, unlisted]) {
    expect(existsSync(join(folder, ".work"))).toBe(false);
    expect(existsSync(join(folder, "records.jsonl"))).toBe(true);
  }
  expect(existsSync(join(busy, ".work"))).toBe(true);
});

test("removes outputs on request, and newer runs with --older-than", async () => {
  const folder = await finish("recent", 2);
  await register("recent", folder);
  expect(await runClean({ ...OPTIONS, olderThan: 3 * DAY, outputs: true })).toBe(0);
  expect(existsSync(folder)).toBe(true);
  expect(await runClean({ ...OPTIONS, olderThan: DAY, outputs: true })).toBe(0);
  expect(existsSync(folder)).toBe(false);
});

test("removes nothing without a confirmation", async () => {
  const folder = await finish("old", 40);
  await register("old", folder);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  await expect(runClean({ ...OPTIONS, yes: false })).rejects.toThrow("there is no terminal");
  expect(existsSync(join(folder, ".work"))).toBe(true);
});

test("verifying an output deletes a work folder that its run left behind", async () => {
  const folder = await finish("old", 40);
  await runVerify(folder, { ...GLOBAL, source: undefined, json: true });
  expect(existsSync(join(folder, ".work"))).toBe(false);
});
