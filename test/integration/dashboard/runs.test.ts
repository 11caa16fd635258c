import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { AuditEntry } from "#src/dashboard/audit/audit-api.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { appendJournal, publishFailureCauses } from "#src/state/runs/run-journal.ts";
import { type FixtureItem, openDashboard, RunFixture, type TestDashboard } from "#test/support/dashboard/dashboard.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

const SECRET = "the text of an item";
const failure = { kind: "server", message: "HTTP 500 of request 17", code: "500" } as const;
const ITEMS: readonly FixtureItem[] = [
  {
    id: "alpha",
    text: SECRET,
    vector: [1, 0, 0, 0],
    attempts: 3,
    call: { lane: "fake:b/m", startedAt: 2_000, durationMs: 88 },
  },
  { id: "beta", text: "another", failure },
  { id: "gamma-alpha", text: "waits" },
  {
    id: '<img src=x onerror="alert(1)">',
    text: "hostile",
    failure: { kind: "too-long", message: "too long" },
  },
];

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

const create = (about = {}) => made.create(ITEMS, { client, keys }, about);
const get = async (path: string) => (await page.sendRequest(`/api/runs/run-1${path}`)).json();

describe("a run's page", () => {
  it("comes from the folder if the run has no coordinator", async () => {
    await create();
    const run = await get("");
    expect(run).toMatchObject({
      run: "run-1",
      phase: "stopped",
      kind: "embedding",
      model: "fake/m",
      items: { total: 4, succeeded: 1, failed: 2 },
      failuresByKind: { server: 2 },
      folder: { isReadable: true, dir: made.dir },
      calls: { made: 3, succeeded: 2, paidTwice: 0 },
    });
    // Unknown values are absent.
    expect(run).not.toHaveProperty("cost");
    expect(run).not.toHaveProperty("etaMs");
    expect(run.items).not.toHaveProperty("inFlight");
    expect(run.actions).toContain("retry");
    expect(run.actions).not.toContain("resume");
    expect(run.refusals.resume).toContain("does not know the command");
    const runs = await waitFor(async () => {
      const list = (await page.sendRequest("/api/runs")).json();
      return list.total === 1 ? list.runs : undefined;
    });
    expect(runs[0]).toMatchObject({ run: "run-1", phase: "stopped" });
  });

  it("says which host has the folder if it is not on this one", async () => {
    await create({ host: "elsewhere" });
    expect((await get("")).folder).toMatchObject({ isReadable: false, host: "elsewhere" });
    const items = await page.sendRequest("/api/runs/run-1/items");
    expect(items.status).toBe(409);
    expect(items.json().error).toMatchObject({ code: "folder-on-other-host" });
    expect(items.json().error.message).toContain("elsewhere");
  });

  it("rejects a folder that contains another run, and a path with dots", async () => {
    await create();
    await made.writeManifest({ total: 4, succeeded: 1, failed: 2, missing: 1 }, "run-2");
    expect((await get("")).folder).toMatchObject({ isReadable: false });
    await made.writeManifest({ total: 4, succeeded: 1, failed: 2, missing: 1 });
    await new RunControl(client, keys, "run-1").updateMeta({
      dir: `${made.dir}/../${made.dir.split("/").at(-1)}`,
    });
    expect((await get("")).folder).toMatchObject({ isReadable: false });
    expect((await page.sendRequest("/api/runs/run-1/items/0")).status).toBe(409);
  });

  it.each([{ at: 1, snapshot: { phase: "running" } }, { at: 1, end: { outcome: "finished" } }, "no object"])(
    "is not affected by malformed data of its coordinator, and neither is the list: %j",
    async (published) => {
      await create({ state: "running" });
      await new RunControl(client, keys, "run-1").acquireLease("somebody", 60_000);
      await client.set(keys.run("run-1").snapshot, JSON.stringify(published));
      expect(await get("")).toMatchObject({ run: "run-1", phase: "planning" });
      const active = await waitFor(async () => {
        const { runs } = (await page.sendRequest("/api/overview")).json();
        return runs?.active.length > 0 ? runs.active : undefined;
      });
      expect(active).toMatchObject([{ run: "run-1", phase: "planning" }]);
      expect(page.errors).toEqual([]);
    },
  );

  it.each(["none", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "a".repeat(120), "<script>"])(
    "does not know a run %j",
    async (name) => {
      const { status, json } = await page.sendRequest(`/api/runs/${name}`);
      expect([400, 403, 404]).toContain(status);
      if (status === 404) expect(["unknown-run", "unknown-route"]).toContain(json().error.code);
    },
  );
});

describe("items", () => {
  beforeEach(() => create());

  it("are listed with their outcome, page by page", async () => {
    const { items, total, next } = await get("/items?limit=3");
    expect(items).toMatchObject([
      { index: 0, id: "alpha", status: "succeeded", attempts: 3, tokens: 3 },
      { index: 1, id: "beta", status: "failed", failure },
      { index: 2, id: "gamma-alpha", status: "waiting" },
    ]);
    expect(total).toBe(4);
    expect((await get(`/items?after=${next}`)).items).toMatchObject([{ index: 3 }]);
    const sorted = await get("/items?sort=id:desc&limit=2");
    expect(sorted.items).toMatchObject([{ id: "gamma-alpha" }, { id: "beta" }]);
    const rest = await get(`/items?sort=id:desc&limit=2&after=${sorted.next}`);
    expect(rest.items).toMatchObject([{ id: "alpha" }, { index: 3 }]);
    expect(rest).not.toHaveProperty("next");
  });

  it("are found by id, text, status, kind, metadata, and numbers", async () => {
    const ids = async (query: string) => (await get(`/items?${query}`)).items.map((item: { id: string }) => item.id);
    expect(await ids("id=ALPHA")).toEqual(["alpha", "gamma-alpha"]);
    expect(await ids('id="alpha"')).toEqual(["alpha"]);
    await waitFor(async () => (await get("/items?text=x")).indexingShare === undefined, { what: "the search index" });
    expect(await ids("text=The%20TEXT")).toEqual(["alpha"]);
    expect((await page.sendRequest("/api/audit?limit=1")).json().lines).toMatchObject([
      { action: "search-text", target: "run-1", detail: "text ..." },
    ]);
    expect(await ids("metadata=source%3Dbeta.md")).toEqual(["beta"]);
    expect(await ids("attempts=3..&tokens=..3")).toEqual(["alpha"]);
    expect(await ids("duration=80..90&lane=fake:b/m")).toEqual(["alpha"]);
    expect(await ids("duration=89..")).toEqual([]);
    expect(await ids("status=waiting")).toEqual(["gamma-alpha"]);
    expect(await ids("kind=server")).toEqual(["beta"]);
    expect(await ids("id=nothing")).toEqual([]);
    for (const query of ["sort=size", "tokens=a", "after=x", "text=-", "metadata=x", "status=done"]) {
      expect((await page.sendRequest(`/api/runs/run-1/items?${query}`)).status).toBe(400);
    }
  });

  it("hide their texts until an operator reveals them, which is audited", async () => {
    const story = await page.sendRequest("/api/runs/run-1/items/0");
    expect(story.text).not.toContain(SECRET);
    expect(story.json()).toMatchObject({
      id: "alpha",
      model: "fake/m",
      origin: "alpha.md",
      answer: { dimensions: 4 },
      request: { characters: SECRET.length },
    });
    expect((await get("/items")).items[0]).not.toHaveProperty("text");
    expect((await get("/items/1")).response.absentCode).toBe("failed");
    expect((await get("/items/2")).response.absentCode).toBe("not-answered");
    const revealed = await page.post("/api/runs/run-1/items/0/reveal");
    expect(revealed.json().request).toEqual({ text: SECRET });
    expect(revealed.json().response.text).toContain("4 floats");
    const { lines } = (await page.sendRequest("/api/audit")).json();
    expect(lines[0]).toMatchObject({ userName: "local", action: "reveal", target: "run-1 item 0" });
    expect((await page.sendRequest("/api/runs/run-1/items/99")).json().error.code).toBe("unknown-item");
  });

  it("list every attempt with lane, start, duration and outcome", async () => {
    const pipeline = client.pipeline();
    const lane = "fake/m";
    appendJournal(pipeline, keys.run("run-1").journal, [
      { items: [1], attempt: 1, kind: "throttled", message: "slow down", durationMs: 50, worker: "w1" },
      {
        items: [0, 1],
        attempt: 2,
        kind: "server",
        message: "HTTP 500",
        code: "500",
        durationMs: 70,
        worker: "w1",
        lane,
        startedAt: 1_000,
      },
    ]);
    await pipeline.exec();
    expect((await get("/items/1")).history).toMatchObject([
      {
        number: 2,
        outcome: "failed",
        lane,
        at: 1_000,
        durationMs: 70,
        failure: { kind: "server", code: "500", message: "HTTP 500" },
      },
      { number: 1, outcome: "throttled", durationMs: 50, worker: "w1", failure: { kind: "throttled" } },
    ]);
    expect((await get("/items/0")).history).toMatchObject([
      { number: 2, outcome: "failed" },
      { outcome: "succeeded", lane: "fake:b/m", at: 2_000, durationMs: 88 },
    ]);
  });

  it("return hostile names unchanged, as JSON that no browser renders as a page", async () => {
    const answer = await page.sendRequest("/api/runs/run-1/items?sort=index:desc");
    expect(answer.json().items[0].id).toBe(ITEMS[3]?.id);
    expect(answer.headers["content-type"]).toContain("application/json");
  });
});

describe("failures", () => {
  beforeEach(() => create());

  it("are grouped by cause, from the folder if Redis has no causes", async () => {
    const { causes, total, others } = await get("/causes");
    expect(total).toBe(2);
    expect(others).toBe(0);
    expect(causes).toContainEqual(
      expect.objectContaining({
        cause: computeFailureCause(failure),
        kind: "server",
        count: 1,
        example: expect.objectContaining({ index: 1, id: "beta" }),
      }),
    );
  });

  it("beyond the causes that are counted separately form one catch-all entry", async () => {
    const rest = {
      cause: "other:server",
      kind: "server",
      // As published by earlier versions: the code of the first failure.
      code: "500",
      pattern: "",
      count: 1,
      example: { item: 1, message: "HTTP 500 of request 17" },
    };
    await publishFailureCauses(client, keys, "run-1", [rest]);
    const { causes } = await get("/causes");
    expect(causes).toMatchObject([{ cause: "other:server", kind: "server", message: "", isCatchAll: true }]);
    expect(causes[0]).not.toHaveProperty("code");
    expect((await get("/items?cause=other:server")).items).toMatchObject([{ id: "beta" }]);
    const exported = await page.sendRequest("/api/runs/run-1/items/export?cause=other:server");
    expect(JSON.parse(exported.text)).toMatchObject({ id: "beta" });
  });

  it("are listed by cause, and an unknown cause is not found", async () => {
    const { items } = await get(`/items?cause=${computeFailureCause(failure)}`);
    expect(items).toMatchObject([{ id: "beta", status: "failed" }]);
    for (const path of ["/items/export?cause=abcdef123456", "/items?cause=abcdef123456"]) {
      const unknown = await page.sendRequest(`/api/runs/run-1${path}`);
      expect(unknown.status).toBe(404);
      expect(unknown.json().error.code).toBe("unknown-cause");
    }
    expect((await page.sendRequest("/api/audit")).json().lines).toEqual([]);
  });

  it("of an unfinished run are only retried after a confirmation", async () => {
    expect(await get("")).toMatchObject({ phase: "stopped", itemsWithoutRecord: 1 });
    const refused = await page.post("/api/runs/run-1/retry", { filter: { kind: "server" } });
    expect(refused.status).toBe(409);
    expect(refused.json().error).toMatchObject({ code: "wrong-state", reason: "items-left" });
    expect(refused.json().error.message).toContain("items: 1");
    expect((await page.sendRequest("/api/audit")).json().lines).toMatchObject([
      { action: "retry", target: "run-1", detail: "kind server", outcome: "refused", reason: "items-left" },
    ]);
    const confirmed = { filter: { kind: "server" }, includeUnfinished: true };
    expect((await page.post("/api/runs/run-1/retry", confirmed)).status).toBe(200);
  });

  it.each(["text", "id", "metadata", "lane"])("refuse a filter whose %s contains NUL", async (name) => {
    const filter = { [name]: "a=\0" };
    const answers = [
      await page.post("/api/runs/run-1/retry", { filter, includeUnfinished: true }),
      await page.sendRequest(`/api/runs/run-1/items?${name}=a%3D%00`),
      await page.sendRequest(`/api/runs/run-1/items/export?${name}=a%3D%00`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  });

  it("end a retry with the counts of the retried items, not of the whole run", async () => {
    const event = { event: "retried", items: 3, succeeded: 1, failed: 2 };
    const end = { event: "run-end", outcome: "finished", report: { items: { succeeded: 235, failed: 5 } } };
    const lines = [event, end].map((line) => JSON.stringify(line)).join("\n");
    const script = `process.stdout.write(${JSON.stringify(`${lines}\n`)}, () => process.exit(1))`;
    const command = { program: process.execPath, args: ["-e", script, "--"], env: process.env };
    await using retrying = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace, command });
    await retrying.post("/api/runs/run-1/retry", { includeUnfinished: true });
    const retry = await waitFor(async () => {
      const { retry } = (await retrying.sendRequest("/api/runs/run-1")).json();
      return retry.state === "running" ? undefined : retry;
    });
    expect(retry).toMatchObject({
      state: "finished",
      code: "some-failed-again",
      items: { succeeded: 1, failed: 2 },
      message: "1 of 3 items succeeded, 2 failed again.",
    });
  });

  it("are exported line by line, with texts on request, and as CSV", async () => {
    const path = `/api/runs/run-1/items/export?cause=${computeFailureCause(failure)}`;
    const plain = await page.sendRequest(path);
    expect(plain.headers["content-disposition"]).toMatch(/^attachment; filename="[\w.-]+"$/);
    expect(
      plain.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        ...{ index: 1, id: "beta", status: "failed", tokens: 3, attempts: 2, failure },
        recordedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    expect((await page.sendRequest(`${path}&texts=1`)).text).toContain('"text":"another"');
    const csv = await page.sendRequest(`${path}&format=csv`);
    expect(csv.text.split("\r\n")[1]).toMatch(/^1,beta,failed,.*HTTP 500 of request 17/);
    expect((await page.sendRequest("/api/runs/run-1/items/export?cause=..%2F..%2Fetc")).status).toBe(400);
    const { lines } = (await page.sendRequest("/api/audit")).json();
    expect(lines[1]).toMatchObject({
      action: "export",
      target: "run-1",
      detail: expect.stringContaining("with texts"),
    });
  });

  it("are retried by a child process, whose end is reported", async () => {
    const script = join(made.dir, "retry.mjs");
    writeFileSync(
      script,
      `const say = (event) => console.log(JSON.stringify(event));
       say({ event: "note", message: process.argv.slice(2).join(" ") });
       process.once("SIGTERM", () => {
         say({ event: "run-end", outcome: "finished", report: { items: { succeeded: 4, failed: 0 } } });
         process.exit(0);
       });
       setInterval(() => {}, 1000);`,
    );
    const command = { program: process.execPath, args: [script], env: process.env };
    const retrying = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace, command });
    const cause = computeFailureCause(failure);
    const started = await retrying.post("/api/runs/run-1/retry", {
      filter: { cause, text: "--json, no option", id: '"beta"', status: "failed" },
      includeUnfinished: true,
    });
    expect(started.json()).toMatchObject({ state: "running", userName: "local" });
    const status = async () => (await retrying.sendRequest("/api/runs/run-1")).json().retry;
    const words = await waitFor(async () => (await status()).message, { what: "the message of the process" });
    const options = `--id=beta --text=--json, no option --cause=${cause} --status=failed`;
    expect(words).toBe(`retry ${made.dir} --json ${options}`);
    const { lines } = (await page.sendRequest("/api/audit")).json();
    expect(lines[0].detail).toBe(`id "beta", status failed, cause ${cause}, text ...`);
    const again = await retrying.post("/api/runs/run-1/retry", { includeUnfinished: true });
    expect(again.json().error).toMatchObject({ code: "wrong-state", reason: "retried-already" });
    // Closing the server stops the retry gracefully.
    await retrying.close();
    const twice = await page.post("/api/runs/run-1/retry", { filter: { kind: "nonsense" } });
    expect(twice.status).toBe(400);
    const waiting = await page.post("/api/runs/run-1/retry", { filter: { status: "waiting" } });
    expect(waiting.json().error).toMatchObject({ code: "wrong-state", reason: "no-failed-items" });
  });

  it("say why a retry failed", async () => {
    const command = {
      program: process.execPath,
      args: ["-e", "console.error('sluice: no key'); process.exit(2)"],
      env: process.env,
    };
    await using failing = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace, command });
    await failing.post("/api/runs/run-1/retry", { includeUnfinished: true });
    const retry = await waitFor(async () => {
      const { retry } = (await failing.sendRequest("/api/runs/run-1")).json();
      return retry.state === "failed" ? retry : undefined;
    });
    expect(retry).toMatchObject({ state: "failed", code: "refused", message: "sluice: no key" });
  });
});

describe("actions on a run", () => {
  it("pauses, resumes and cancels a run with a coordinator, and refuses other transitions", async () => {
    await create({ state: "running" });
    const control = new RunControl(client, keys, "run-1");
    await control.acquireLease("somebody", 60_000);
    const act = (action: string) => page.post(`/api/runs/run-1/${action}`);
    expect((await act("pause")).json()).toMatchObject({ changed: true, phase: "paused" });
    expect(await control.state()).toBe("paused");
    expect((await act("pause")).json()).toMatchObject({ changed: false });
    expect((await act("resume")).json()).toMatchObject({ changed: true });
    expect(await control.state()).toBe("running");
    const resized = await page.post("/api/runs/run-1/window", { items: 123 });
    expect(resized.json()).toMatchObject({ changed: true });
    expect(await control.window()).toBe(123);
    expect((await act("cancel")).json()).toMatchObject({ changed: true, phase: "cancelled" });
    expect((await act("resume")).status).toBe(409);
    await control.releaseLease("somebody");
    expect((await act("resume")).json().error.message).toContain("does not know the command");
    expect((await page.post("/api/runs/run-1/window", { items: 5 })).status).toBe(409);
    const { lines } = (await page.sendRequest("/api/audit")).json();
    const actions = lines.map((line: AuditEntry) => [line.action, line.outcome, line.reason]);
    expect(actions.reverse()).toEqual([
      ...["pause", "pause", "resume", "window", "cancel"].map((action) => [action, undefined, undefined]),
      ["resume", "refused", "nothing-to-resume"],
      ["resume", "refused", "command-unknown"],
      ["window", "refused", "no-coordinator"],
    ]);
  });

  it("shows the command that resumes a killed run, and offers no pause", async () => {
    await create({ state: "running" });
    const command = JSON.stringify({ args: ["embed", "it's", "--out", "o"], cwd: "/data" });
    await client.hset(keys.run("run-1").meta, { command });
    const run = await get("");
    expect(run).toMatchObject({
      phase: "stopped",
      stopped: { code: "killed", command: `sluice resume ${made.dir}` },
      startedWith: { command: "sluice embed 'it'\\''s' --out o", cwd: "/data" },
      actions: expect.arrayContaining(["resume"]),
      refusalCodes: { pause: "no-coordinator" },
    });
    expect(run.actions).not.toContain("pause");
    const paused = await page.post("/api/runs/run-1/pause");
    expect(paused.status).toBe(409);
    expect(paused.json().error.reason).toBe("no-coordinator");
  });

  it("resumes a run without a coordinator in a process, and says how that ended", async () => {
    await create({ state: "running" });
    await client.hset(keys.run("run-1").meta, { command: JSON.stringify({ args: ["embed"], cwd: "/data" }) });
    const script = "console.error('sluice: ' + process.argv.slice(1).join(' ')); process.exit(2)";
    const command = { program: process.execPath, args: ["-e", script, "--"], env: process.env };
    await using resuming = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace, command });
    const started = await resuming.post("/api/runs/run-1/resume");
    expect(started.json()).toMatchObject({ changed: true, message: "The run is starting again." });
    const ended = await waitFor(async () => {
      const { retry } = (await resuming.sendRequest("/api/runs/run-1")).json();
      return retry.state === "failed" ? retry : undefined;
    });
    expect(ended).toMatchObject({ action: "resume", message: `sluice: resume ${made.dir} --json` });
  });

  it("says that a run that is cancelled without a coordinator has no output yet", async () => {
    await create({ state: "running" });
    const cancelled = await page.post("/api/runs/run-1/cancel");
    expect(cancelled.json()).toMatchObject({ changed: true, phase: "cancelled", outputPending: true });
    expect(cancelled.json().message).toContain("Resume the run");
    const run = await get("");
    expect(run).toMatchObject({
      phase: "cancelled",
      itemsWithoutRecord: 1,
      outputPending: {},
    });
    expect(run).not.toHaveProperty("stopped");
  });
});
