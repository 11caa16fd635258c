import { expect, test } from "vitest";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { startDashboardProcess } from "#test/support/dashboard/dashboard-process.ts";
import { startLatencyProxy } from "#test/support/redis/latency-proxy.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { type CliProcess, CliSandbox, MODEL } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const CHAT_MODEL = "minimax/MiniMax-Text-01";
const RERANK_MODEL = "vllm/BAAI/bge-reranker-v2-m3";

const jsonl = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const ids = Array.from({ length: 12 }, (_, n) => `i-${n}`);

/** A sandbox whose processes use a Redis that is 40 ms away, and one worker. */
async function openDistantSandbox() {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(openTestRedis());
  const proxy = await startLatencyProxy(redis.url, 40);
  stack.defer(() => proxy.close());
  const env: Record<string, string> = {
    REDIS_URL: proxy.url,
    SLUICE_NAMESPACE: redis.namespace,
    VLLM_API_KEY: SIMULATOR_API_KEY,
  };
  const sandbox = stack.use(await CliSandbox.open({ env }));
  env.VLLM_BASE_URL = sandbox.simulator.openaiUrl;
  sandbox.write("texts.jsonl", jsonl(ids.map((id) => ({ id, text: `Text ${id}.` }))));
  sandbox.write(
    "requests.jsonl",
    jsonl(
      ids.map((custom_id) => ({
        custom_id,
        method: "POST",
        url: "/v1/chat/completions",
        body: { model: CHAT_MODEL, messages: [{ role: "user", content: `Question ${custom_id}` }] },
      })),
    ),
  );
  sandbox.write("queries.jsonl", jsonl([{ id: "q", query: "rain", documents: ["Rain.", "Stones."] }]));
  const disposables = stack.move();
  return { sandbox, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}

/** Runs commands at the same time. All of them must succeed. */
async function expectSuccess(sandbox: CliSandbox, ...commands: readonly (readonly string[])[]): Promise<string[]> {
  const results = await Promise.all(commands.map((args) => sandbox.run(args)));
  const failed = results.flatMap(({ code, stderr }, i) => (code === 0 ? [] : [`${commands[i]?.join(" ")}: ${stderr}`]));
  expect(failed).toEqual([]);
  return results.map(({ stdout }) => stdout);
}

/** Starts a run whose calls are held. Resolves with its id when a call is in flight. */
async function startHeldRun(sandbox: CliSandbox, args: readonly string[]) {
  const release = sandbox.simulator.hold();
  const command: CliProcess = sandbox.start([...args, "--workers", "0", "--json"]);
  const { runId } = await command.event(({ event }) => event === "run-start", "its start");
  await waitFor(() => sandbox.simulator.statistics().inFlight > 0, { what: "a call", timeoutMs: 120_000 });
  return { release, command, run: String(runId) };
}

test("all commands work with a Redis that is 40 ms away", { timeout: 600_000 }, async () => {
  await using opened = await openDistantSandbox();
  const { sandbox } = opened;
  const worker = sandbox.start(["worker"]);

  const embed = await startHeldRun(sandbox, ["embed", "texts.jsonl", "--model", MODEL, "--out", "vectors"]);
  const watch = sandbox.start(["run", embed.run, "--json"]);
  const [listed, shown] = await expectSuccess(
    sandbox,
    ["runs"],
    ["runs", embed.run],
    ["items", embed.run],
    ["runs", "rename", embed.run, "distant"],
    ["set-limit", MODEL, "--concurrency", "4"],
    ["doctor"],
    ["complete", "--", "pause", ""],
  );
  expect(listed).toContain(embed.run);
  expect(shown).toContain("12");
  await expectSuccess(sandbox, ["pause", embed.run]);
  await expectSuccess(sandbox, ["resume", embed.run]);
  embed.release();
  expect(await embed.command.exit).toMatchObject({ code: 0 });
  expect(await watch.exit).toMatchObject({ code: 0 });

  const batch = await startHeldRun(sandbox, ["batch", "requests.jsonl", "--out", "answers"]);
  await expectSuccess(sandbox, ["cancel", batch.run]);
  batch.release();
  expect(await batch.command.exit).toMatchObject({ code: 1 });
  await expectSuccess(sandbox, ["retry", batch.run, "--workers", "0"]);
  expect(sandbox.manifest("answers").items).toMatchObject({ succeeded: 12, failed: 0 });

  const second = await startHeldRun(sandbox, ["embed", "texts.jsonl", "--model", MODEL, "--out", "second"]);
  second.command.kill("SIGINT");
  second.release();
  await second.command.exit;
  await expectSuccess(sandbox, ["resume", second.run, "--workers", "0"]);
  expect(sandbox.manifest("second").items).toMatchObject({ succeeded: 12, failed: 0 });

  const [answer, hits] = await expectSuccess(
    sandbox,
    ["chat", "Hello", "--model", CHAT_MODEL],
    ["search", "vectors", "Text i-3.", "--top", "1"],
    ["rerank", "queries.jsonl", "--model", RERANK_MODEL, "--out", "ranked", "--workers", "0"],
    ["ping", MODEL],
  );
  expect(answer).not.toBe("");
  expect(hits).toContain("i-3");

  const { cli: dashboard, url } = await startDashboardProcess(sandbox);
  expect((await fetch(`${url}/api/overview`)).status).toBe(200);
  expect(await (await fetch(`${url}/api/runs`)).text()).toContain(embed.run);
  dashboard.kill("SIGTERM");
  await expectSuccess(sandbox, ["runs", "rm", second.run, "--yes"], ["runs", "clean", "--older-than", "1d", "--yes"]);
  await dashboard.exit;
  worker.kill("SIGTERM");
  expect(await worker.exit).toMatchObject({ code: 0 });
});
