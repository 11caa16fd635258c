import { existsSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "#src/dashboard/audit/audit-api.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { openDashboard, RunFixture, type TestDashboard } from "#test/support/dashboard/dashboard.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let client: RedisClient;
let keys: Keys;
let page: TestDashboard;
let made: RunFixture;

beforeEach(async () => {
  redis = openTestRedis();
  client = redis.connect();
  keys = createKeys(redis.namespace);
  page = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
  made = new RunFixture("run-1");
});

afterEach(async () => {
  made[Symbol.dispose]();
  await page.close();
  await redis.cleanup();
});

const create = (about = {}) =>
  made.create([{ id: "a", text: "the text", vector: [1, 0, 0, 0] }], { client, keys }, about);
const readPage = async () => (await page.sendRequest("/api/runs/run-1")).json();
const readAudit = async (): Promise<AuditEntry[]> => (await page.sendRequest("/api/audit")).json().lines;
const holdLease = (holder: string) => new RunControl(client, keys, "run-1").acquireLease(holder, 60_000);

describe("renaming a run", () => {
  it("changes name and note in Redis and in run.json, and is audited without the note", async () => {
    await create();
    const renamed = await page.post("/api/runs/run-1/label", { name: "docs-v2", note: "smaller chunks" });
    expect(renamed.json()).toMatchObject({ run: "run-1", changed: true });
    expect(await readPage()).toMatchObject({ name: "docs-v2", note: "smaller chunks" });
    expect(await readManifest(made.dir)).toMatchObject({ name: "docs-v2", note: "smaller chunks" });
    expect((await page.post("/api/runs/run-1/label", { note: "" })).status).toBe(200);
    expect(await readPage()).toMatchObject({ name: "docs-v2" });
    expect(await readPage()).not.toHaveProperty("note");
    expect(await readAudit()).toMatchObject([
      { action: "rename", target: "run-1" },
      { action: "rename", target: "run-1", detail: "docs-v2" },
    ]);
  });

  it.each([{}, { name: "two words" }, { name: "x".repeat(61) }, { note: "two\nlines" }, { name: "a", color: "red" }])(
    "rejects %j",
    async (body) => {
      await create();
      const refused = await page.post("/api/runs/run-1/label", body);
      expect(refused.status).toBe(400);
      expect(refused.json().error.code).toBe("bad-request");
      expect(await readAudit()).toEqual([]);
    },
  );

  it("needs the folder, unless a coordinator takes the name over", async () => {
    await create({ host: "elsewhere" });
    expect((await readPage()).refusalCodes).toMatchObject({ rename: "folder-on-other-host" });
    const refused = await page.post("/api/runs/run-1/label", { name: "docs" });
    expect(refused.status).toBe(409);
    expect(refused.json().error.reason).toBe("folder-on-other-host");
    await holdLease("elsewhere/1/x");
    expect((await page.post("/api/runs/run-1/label", { name: "docs" })).status).toBe(200);
    expect(await readPage()).toMatchObject({ name: "docs", actions: expect.arrayContaining(["rename"]) });
  });
});

describe("deleting a run", () => {
  it("removes it from Redis and from the list, and keeps its output and other files", async () => {
    await create();
    writeFileSync(join(made.dir, "records.jsonl"), "{}\n");
    writeFileSync(join(made.dir, "notes.txt"), "mine");
    expect((await readPage()).actions).toContain("delete");
    const deleted = await page.post("/api/runs/run-1/delete");
    expect(deleted.json()).toMatchObject({ run: "run-1", changed: true });
    expect((await page.sendRequest("/api/runs/run-1")).status).toBe(404);
    await waitFor(async () => (await page.sendRequest("/api/runs")).json().total === 0);
    expect(await client.keys(`${redis.namespace}*run-1*`)).toEqual([]);
    const left = ["run.db", ".work", "records.jsonl", "run.json", "notes.txt"].filter((name) =>
      existsSync(join(made.dir, name)),
    );
    expect(left).toEqual(["records.jsonl", "run.json", "notes.txt"]);
    expect(await readAudit()).toMatchObject([{ action: "delete", target: "run-1" }]);
  });

  it("removes the output too if that is requested", async () => {
    await create();
    writeFileSync(join(made.dir, "records.jsonl"), "{}\n");
    expect((await page.post("/api/runs/run-1/delete", { outputs: true })).status).toBe(200);
    expect(existsSync(made.dir)).toBe(false);
    expect(await readAudit()).toMatchObject([{ action: "delete", detail: "with outputs" }]);
  });

  it("is refused while a process uses the run, and removes nothing", async () => {
    await create({ state: "running" });
    await holdLease(`${hostname()}/${process.pid}/x`);
    expect(await readPage()).toMatchObject({ refusalCodes: { delete: "run-in-use" } });
    const refused = await page.post("/api/runs/run-1/delete", { outputs: true });
    expect(refused.status).toBe(409);
    expect(refused.json().error).toMatchObject({ code: "wrong-state", reason: "run-in-use" });
    expect(refused.json().error.message).toContain(`process ${process.pid}`);
    expect(existsSync(join(made.dir, "run.db"))).toBe(true);
    expect((await readPage()).run).toBe("run-1");
    expect(await readAudit()).toMatchObject([{ action: "delete", outcome: "refused", reason: "run-in-use" }]);
  });

  it("leaves a folder on another machine alone", async () => {
    await create({ host: "elsewhere" });
    expect((await page.post("/api/runs/run-1/delete", { outputs: true })).status).toBe(200);
    expect((await page.sendRequest("/api/runs/run-1")).status).toBe(404);
    expect(existsSync(join(made.dir, "run.db"))).toBe(true);
  });
});

describe("the list of runs", () => {
  it.each([
    "sort=name",
    "order=up",
    "state=done",
    "from=yesterday",
    "from=",
    "before=1.5",
    "offset=-1",
    "limit=0",
    "limit=201",
    `text=${"x".repeat(201)}`,
  ])("rejects %s", async (query) => {
    const { status, json } = await page.sendRequest(`/api/runs?${query}`);
    expect(status).toBe(400);
    expect(json().error.code).toBe("bad-request");
    expect(json().error.message).toContain(query.split("=")[0]);
  });

  it("accepts every parameter of its pages", async () => {
    await create();
    const query = "offset=0&limit=50&text=RUN&state=stopped&from=0&before=9999999999999&sort=cost&order=ascending";
    const list = await waitFor(async () => {
      const answer = (await page.sendRequest(`/api/runs?${query}`)).json();
      return answer.total === 1 ? answer : undefined;
    });
    expect(list.runs).toMatchObject([{ run: "run-1", phase: "stopped" }]);
  });
});

describe("the history of a run", () => {
  it("marks when the run started and ended", async () => {
    await create();
    await new RunControl(client, keys, "run-1").updateMeta({ seenAt: 5_000 });
    const { runs } = (await page.sendRequest("/api/runs/run-1/history")).json();
    expect(runs).toMatchObject([{ run: "run-1", endedAt: 5_000 }]);
  });
});
