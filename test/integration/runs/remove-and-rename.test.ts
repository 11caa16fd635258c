import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { findRun, findRunId } from "#src/cli/wiring/find-run.ts";
import { lockFolder } from "#src/producer/runs/folder/folder-lock.ts";
import { removeRun } from "#src/producer/runs/management/remove-run.ts";
import { renameRun } from "#src/producer/runs/management/rename-run.ts";
import { readManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import { verifyOutput } from "#src/producer/verify/verify-output.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { listRuns } from "#src/state/runs/run-list.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { writeSampleOutput } from "#test/unit/producer/verify/support/sample-output.ts";

let client: RedisClient;
let keys: Keys;
let dir: string;
let control: RunControl;

/** A finished run "r-1" in `dir`, which Redis lists. */
beforeEach(async () => {
  const redis = openTestRedis();
  const source = openRedis(parseRedisUrl(redis.url), { onEvent: () => undefined });
  client = source.connect("commands");
  keys = createKeys(redis.namespace);
  dir = mkdtempSync(join(tmpdir(), "sluice-manage-"));
  await writeSampleOutput(dir, "jsonl");
  writeFileSync(join(dir, "run.db"), "");
  writeFileSync(join(dir, "run-search.db"), "");
  control = await register("r-1");
  return async () => {
    await source.close();
    await redis[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  };
});

async function register(run: string, name = ""): Promise<RunControl> {
  const registered = new RunControl(client, keys, run);
  await registered.register(Date.now());
  await registered.updateMeta({ state: "done", dir, host: hostname(), name });
  return registered;
}

test("a removed run keeps its output, which is still proven, and nothing in Redis", async () => {
  await removeRun(control, dir, { outputs: false });
  expect(readdirSync(dir).sort()).toEqual(["digests.bin", "errors.jsonl", "records.jsonl", "run.json"]);
  expect(await verifyOutput(dir)).toMatchObject({ problemCount: 0 });
  expect(await client.keys(`${keys.runs.replace(/runs$/, "")}*`)).toEqual([]);
});

test("with its outputs, a run is removed completely, but no file of somebody else", async () => {
  writeFileSync(join(dir, "notes.txt"), "mine");
  await removeRun(control, dir, { outputs: true });
  expect(readdirSync(dir)).toEqual(["notes.txt"]);
});

test("an unfinished run without output leaves no folder", async () => {
  const manifest = await readManifest(dir);
  for (const name of readdirSync(dir)) rmSync(join(dir, name));
  if (manifest) await writeManifest(dir, { ...manifest, state: "stopped" });
  await removeRun(control, dir, { outputs: false });
  expect(existsSync(dir)).toBe(false);
});

test("a run is not removed while a process holds its lease or the lock of its folder", async () => {
  const before = readdirSync(dir);
  await control.acquireLease(`${hostname()}/${process.pid}/x`, 60_000);
  await expect(removeRun(control, dir, { outputs: true })).rejects.toThrow(`in use by process ${process.pid}`);
  await control.releaseLease(`${hostname()}/${process.pid}/x`);
  const unlock = await lockFolder(join(dir, ".work"));
  await expect(removeRun(control, dir, { outputs: true })).rejects.toThrow("is in use by process");
  await unlock();
  expect(readdirSync(dir).filter((name) => name !== ".work")).toEqual(before);
  expect(await listRuns(client, keys)).toMatchObject([{ run: "r-1", state: "done" }]);
  expect(await control.coordinator()).toBeUndefined();
});

test("the lease of a dead process does not protect a run", async () => {
  await control.acquireLease(`${hostname()}/999999999/x`, 60_000);
  await removeRun(control, dir, { outputs: true });
  expect(existsSync(dir)).toBe(false);
});

test("another run in the folder of a removed one is kept", async () => {
  const before = readdirSync(dir);
  await removeRun(await register("r-0"), dir, { outputs: true });
  expect(readdirSync(dir)).toEqual(before);
});

test("a renamed run is found by its name, and its output is still proven", async () => {
  await renameRun(control, dir, { name: "first", note: "a note" });
  await renameRun(control, dir, { name: "second" });
  expect(await readManifest(dir)).toMatchObject({ name: "second", note: "a note" });
  expect(await verifyOutput(dir)).toMatchObject({ problemCount: 0 });
  expect(existsSync(join(dir, ".work"))).toBe(false);
  expect(await findRun(client, keys, "second")).toEqual({ run: "r-1", dir });
  expect(await findRunId(client, keys, "first")).toBe("first");
  await renameRun(control, dir, { name: "", note: "" });
  expect(await readManifest(dir)).not.toHaveProperty("name");
  expect(await listRuns(client, keys)).toMatchObject([{ name: undefined, note: undefined }]);
});

test("the coordinator of a run takes a new name over, so its folder stays locked", async () => {
  await control.acquireLease(`${hostname()}/${process.pid}/x`, 60_000);
  await renameRun(control, undefined, { name: "running" });
  expect(await control.readLabel()).toEqual({ name: "running" });
  await control.releaseLease(`${hostname()}/${process.pid}/x`);
  await expect(renameRun(control, undefined, { name: "x" })).rejects.toThrow("not on this machine");
});

test("a name of several runs is ambiguous, and an id goes before a name", async () => {
  await register("r-2", "same");
  await register("r-3", "same");
  await register("r-4", "r-1");
  await expect(findRunId(client, keys, "same")).rejects.toThrow(/2 runs have the name "same": r-[23], r-[23]/);
  expect(await findRunId(client, keys, "r-1")).toBe("r-1");
  await expect(findRun(client, keys, "unknown")).rejects.toThrow('no run "unknown"');
});
