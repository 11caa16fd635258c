import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startDashboardProcess } from "#test/support/dashboard/dashboard-process.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";
import { waitFor } from "#test/support/wait-for.ts";

let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open({ latency: { fixedMs: 20 } });
});

afterEach(() => sandbox[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: tests read responses of all types.
async function get(url: string): Promise<any> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return await response.json();
}

test("`sluice up` processes runs, shows them, and leaves nothing behind", async () => {
  writeCorpus(sandbox, 400);
  const { cli, url } = await startDashboardProcess(sandbox, { workers: 2 });
  expect(cli.stdout()).toContain("2, for minimax");
  await waitFor(async () => (await get(`${url}/api/overview`)).workers.length === 2, { what: "two workers" });
  const run = await sandbox.embed(["corpus", "--out", "vectors", "--workers", "0", "--format", "npy"]).exit;
  expect(run).toMatchObject({ code: 0 });
  const { run: id } = sandbox.manifest("vectors");
  const { runs } = await waitFor(async () => {
    const list = await get(`${url}/api/runs`);
    return list.runs[0]?.phase === "finished" ? list : undefined;
  });
  expect(runs).toMatchObject([{ run: id, items: { total: 400, succeeded: 400, failed: 0 }, name: "vectors" }]);
  const page = await get(`${url}/api/runs/${id}`);
  expect(page).toMatchObject({ folder: { isReadable: true }, output: { format: "npy" }, kind: "embedding" });
  expect(page.actions).toContain("search");
  const { items } = await get(`${url}/api/runs/${id}/items?limit=2`);
  expect(items).toMatchObject([{ index: 0, status: "succeeded" }, { index: 1 }]);
  const found = await fetch(`${url}/api/runs/${id}/search`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify({ text: "anything", top: 3 }),
  });
  expect(found.status).toBe(200);
  expect(((await found.json()) as { hits: unknown[] }).hits).toHaveLength(3);
  expect(await get(`${url}/api/overview`)).toMatchObject({ redis: { isPrivate: true } });

  cli.killGroup("SIGINT");
  expect(await cli.exit).toMatchObject({ code: 0, signal: null });
  await waitFor(() => sandbox.processes().length === 0, { what: "no process" });
});

test("workers exit when `sluice up` is killed", async () => {
  const { cli, url } = await startDashboardProcess(sandbox, { workers: 1 });
  await waitFor(async () => (await get(`${url}/api/overview`)).workers.length === 1, { what: "a worker" });
  cli.kill("SIGKILL");
  await cli.exit;
  await waitFor(() => sandbox.processes().length === 0, { what: "no process" });
});

test("a cause that is retried from a page is processed by a separate process", async () => {
  const lines = Array.from({ length: 60 }, (_, n) =>
    JSON.stringify({ id: `c-${n}`, text: `text ${n}${n < 3 ? " forbidden" : n === 9 ? " broken" : ""}` }),
  );
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
  const refuse = { text: "broken", action: { type: "code", code: 2013 } } as const;
  sandbox.simulator.configure({
    faults: [{ text: "forbidden", action: { type: "code", code: 1026 } }, refuse],
  });
  const { cli, url } = await startDashboardProcess(sandbox, { workers: 1 });
  const run = await sandbox.embed(["corpus.jsonl", "--out", "vectors", "--workers", "0"]).exit;
  expect(run.code).toBe(1);
  const { run: id } = sandbox.manifest("vectors");
  const at = `${url}/api/runs/${id}`;
  const { causes, total } = await get(`${at}/causes`);
  expect(total).toBe(4);
  expect(causes[0]).toMatchObject({
    kind: "content-filter",
    count: 3,
    example: { id: expect.stringMatching(/^c-[012]$/) },
  });
  const exported = await (await fetch(`${at}/items/export?cause=${causes[0].cause}`)).text();
  expect(exported.trim().split("\n")).toHaveLength(3);

  sandbox.simulator.configure({ faults: [refuse] });
  const retry = await fetch(`${at}/retry`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url },
    body: JSON.stringify({ filter: { cause: causes[0].cause } }),
  });
  expect(await retry.json()).toMatchObject({ state: "running" });
  const ended = await waitFor(async () => {
    const { retry: status } = await get(at);
    return status.state === "running" ? undefined : status;
  });
  expect(ended).toMatchObject({ state: "finished", items: { succeeded: 3, failed: 0 } });
  expect(sandbox.manifest("vectors").failuresByKind).toEqual({ "invalid-request": 1 });
  const { lines: audit } = await get(`${url}/api/audit`);
  expect(audit.map(({ action }: { action: string }) => action)).toEqual(["retry", "export"]);
  cli.kill("SIGTERM");
  expect(await cli.exit).toMatchObject({ code: 0 });
});

test("a chat item's history is available while its run has a failure, and after all items have succeeded", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const line = (id: string, content: string) =>
    JSON.stringify({
      custom_id: id,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "minimax/MiniMax-M2", messages: [{ role: "user", content }] },
    });
  sandbox.write("requests.jsonl", `${line("q-1", hostile)}\n${line("q-2", "broken")}\n`);
  sandbox.simulator.configure({ faults: [{ text: "broken", action: { type: "code", code: 2013 } }] });
  const { cli, url } = await startDashboardProcess(sandbox, { workers: 1 });
  const batch = ["batch", "requests.jsonl", "--out", "answers", "--workers", "0"];
  expect((await sandbox.run(batch)).code).toBe(1);
  const { run: id } = sandbox.manifest("answers");
  const item = `${url}/api/runs/${id}/items`;
  const story = await get(`${item}/0`);
  const attempt = {
    ...{ outcome: "succeeded", number: 1, lane: "minimax/MiniMax-M2" },
    ...{ at: expect.any(Number), durationMs: expect.any(Number) },
  };
  expect(story).toMatchObject({
    id: "q-1",
    status: "succeeded",
    model: "minimax/MiniMax-M2",
    answer: { finishReason: "stop", outputTokens: expect.any(Number) },
    recordedAt: expect.any(Number),
    request: { characters: expect.any(Number) },
    response: { characters: expect.any(Number) },
    history: [attempt],
  });
  expect(JSON.stringify(story)).not.toContain("onerror");
  // A worker records failed attempts once per second.
  const failed = await waitFor(
    async () => {
      const found = await get(`${item}/1`);
      return found.history.length > 0 ? found : undefined;
    },
    { what: "the failed attempt" },
  );
  expect(failed).toMatchObject({
    id: "q-2",
    status: "failed",
    failure: { kind: "invalid-request" },
    history: [{ ...attempt, outcome: "failed", worker: expect.any(String) }],
  });
  const reveal = async () => {
    const answer = await fetch(`${item}/0/reveal`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url },
      body: "{}",
    });
    return (await answer.json()) as { request?: { text: string }; response: { text: string } };
  };
  const revealed = await reveal();
  expect(revealed.request?.text).toContain(hostile);
  expect(revealed.response.text.length).toBe(story.response.characters);

  sandbox.simulator.configure({ faults: [] });
  expect((await sandbox.run(["retry", "answers", "--workers", "0", "--keep-db"])).code).toBe(0);
  const after = await get(`${item}/0`);
  expect(after).toMatchObject({ id: "q-1", status: "succeeded", history: story.history });
  expect(await reveal()).toEqual(revealed);
  cli.kill("SIGTERM");
  expect(await cli.exit).toMatchObject({ code: 0 });
});

test("an address that cannot be used is reported in one sentence", async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const busy = await sandbox.run(["dashboard", "--port", String(port)]);
  expect(busy.code).toBe(2);
  expect(busy.stderr).toContain(`port ${port} on 127.0.0.1 is in use`);
  expect(busy.stderr).toContain("--port");
  await new Promise((done) => taken.close(done));
  const open = await sandbox.run(["dashboard", "--port", "0", "--host", "0.0.0.0"]);
  expect(open.code).toBe(2);
  expect(open.stderr).toContain("SLUICE_OPERATOR_PASSWORD");
  await waitFor(() => sandbox.processes().length === 0, { what: "no process" });
});

test.runIf(process.platform === "linux")(
  "workers of `sluice up` get no password of the dashboard, and its log is rotated when it is large",
  async () => {
    const log = sandbox.write(".sluice/workers.log", "x".repeat(11 * 1024 * 1024));
    const env = {
      SLUICE_OPERATOR_PASSWORD: "for operators only",
      SLUICE_VIEWER_PASSWORD: "for viewers only",
    };
    const { cli } = await startDashboardProcess(sandbox, { workers: 1, env });
    const worker = await waitFor(() => sandbox.processes().find(({ command }) => command.includes("worker --child")), {
      what: "a worker",
    });
    const environment = readFileSync(`/proc/${worker.pid}/environ`, "utf8");
    expect(environment).toContain("PATH=");
    expect(environment).not.toMatch(/for operators only|for viewers only/);
    expect(statSync(`${log}.1`).size).toBe(11 * 1024 * 1024);
    expect(statSync(log).size).toBeLessThan(1024 * 1024);
    cli.kill("SIGTERM");
    expect(await cli.exit).toMatchObject({ code: 0 });
  },
);
