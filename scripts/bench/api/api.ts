// Benchmark "api": what the HTTP API adds to a call, beside direct calls to the same upstream and a plain pass-through server.
import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { registerChild } from "../cleanup.ts";
import { type SimulatorProcess, startSimulatorProcess } from "../simulator-process.ts";
import { SLUICE } from "../sluice-command.ts";
import { computeSpread, formatMarkdownTable, formatMegabytes, number } from "../table.ts";
import { type CallMeasurement, measureCalls, percentile } from "./measure-calls.ts";
import { startPassThrough } from "./pass-through.ts";
import { type ServeProcess, startServeProcess } from "./serve-process.ts";

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface ApiBenchResult {
  readonly clients: number;
  readonly upstreamMs: number;
  /** Medians of the rounds, ms, by contender. */
  readonly whole: Readonly<Record<string, Latency>>;
  readonly firstToken: Readonly<Record<string, Latency>>;
  readonly perSecond: Readonly<Record<string, number>>;
  readonly readers: { readonly count: number; readonly idleBytes: number; readonly bytes: number };
  readonly batch: {
    readonly lines: number;
    readonly apiMs: number;
    readonly commandMs: number;
    readonly serverBytes: number;
  };
}

const CLIENTS = 50;
const UPSTREAM_MS = 100;
const MODEL = "gpt-4o-mini";

export async function benchApi({
  quick,
  log,
}: {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}): Promise<ApiBenchResult> {
  const rounds = quick ? 2 : 5;
  const requests = quick ? 1_000 : 4_000;
  const slow = await startSimulatorProcess({ latency: { fixedMs: UPSTREAM_MS, jitterMs: 0 } });
  const whole = await compare(slow, { rounds, requests, stream: false, log });
  const firstToken = await compare(slow, { rounds, requests, stream: true, log });
  await slow.stop();
  const fast = await startSimulatorProcess({ latency: { fixedMs: 0, jitterMs: 0 } });
  const quickest = await compare(fast, { rounds, requests: requests * 2, stream: false, log });
  const perSecond = Object.fromEntries(
    Object.entries(quickest).map(([name, runs]) => [name, median(runs.map((run) => run.perSecond))]),
  );
  const readers = await measureReaders(fast, quick ? 1_000 : 5_000);
  log(`readers: ${JSON.stringify(readers)}`);
  const batch = await measureBatch(fast, quick ? 5_000 : 50_000);
  log(`batch: ${JSON.stringify(batch)}`);
  await fast.stop();
  return {
    clients: CLIENTS,
    upstreamMs: UPSTREAM_MS,
    whole: summarize(whole),
    firstToken: summarize(firstToken),
    perSecond,
    readers,
    batch,
  };
}

/** Measures all contenders in turn, round by round. */
async function compare(
  simulator: SimulatorProcess,
  options: {
    readonly rounds: number;
    readonly requests: number;
    readonly stream: boolean;
    readonly log: (line: string) => void;
  },
): Promise<Record<string, CallMeasurement[]>> {
  const serve = await startServeProcess(simulator, 1);
  const pass = await startPassThrough(simulator.openaiUrl);
  const contenders = {
    direct: { url: simulator.openaiUrl, model: MODEL },
    "pass-through": { url: pass.url, model: MODEL },
    "sluice serve": { url: serve.url, model: `openai/${MODEL}` },
  };
  const runs: Record<string, CallMeasurement[]> = {};
  const common = { apiKey: simulator.apiKey, clients: CLIENTS, stream: options.stream };
  for (const contender of Object.values(contenders)) await measureCalls({ ...common, ...contender, requests: 200 });
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const run = await measureCalls({ ...common, ...contender, requests: options.requests });
      runs[name] = [...(runs[name] ?? []), run];
      const times = `${percentile(run.durations, 0.5).toFixed(2)} / ${percentile(run.durations, 0.99).toFixed(2)} ms`;
      options.log(`${options.stream ? "first token" : "answer"}, ${name}: ${times}, ${number(run.perSecond)}/s`);
    }
  }
  pass.stop();
  await serve.stop();
  return runs;
}

const median = (values: readonly number[]) => computeSpread(values).median;

function summarize(runs: Readonly<Record<string, readonly CallMeasurement[]>>): Record<string, Latency> {
  return Object.fromEntries(
    Object.entries(runs).map(([name, measured]) => [
      name,
      {
        p50: median(measured.map(({ durations }) => percentile(durations, 0.5))),
        p99: median(measured.map(({ durations }) => percentile(durations, 0.99))),
      },
    ]),
  );
}

/** The memory of a server with many readers of a stream on which nothing happens. */
async function measureReaders(simulator: SimulatorProcess, count: number): Promise<ApiBenchResult["readers"]> {
  const serve = await startServeProcess(simulator, 0);
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ model: `openai/${MODEL}`, messages: [{ role: "user", content: "wait" }] });
  const created = await request(`${serve.url}/jobs/chat`, { method: "POST", headers, body });
  const { id } = (await created.body.json()) as { id: string };
  const idleBytes = serve.memory();
  const dispatcher = new Agent({ connections: count, bodyTimeout: 0 });
  const streams = await Promise.all(
    Array.from({ length: count }, () => request(`${serve.url}/jobs/${id}/stream`, { dispatcher })),
  );
  // Long enough for several polls and keep-alive comments of each.
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const bytes = serve.memory();
  for (const { body: stream } of streams) stream.destroy();
  await dispatcher.destroy();
  await serve.stop();
  return { count, idleBytes, bytes };
}

/** A batch of the API, and the same file with `sluice batch`, each with one worker. */
async function measureBatch(simulator: SimulatorProcess, lines: number): Promise<ApiBenchResult["batch"]> {
  const serve = await startServeProcess(simulator, 1);
  const padding = "x".repeat(3_500);
  const line = (n: number) =>
    JSON.stringify({
      custom_id: `r-${n}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: `openai/${MODEL}`, messages: [{ role: "user", content: `${n} ${padding}` }] },
    });
  const content = Array.from({ length: lines }, (_, n) => line(n)).join("\n");
  const path = join(serve.folder, "requests.jsonl");
  await writeFile(path, content);
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new Blob([content]), "requests.jsonl");
  const before = serve.memory();
  const file = (await (await fetch(`${serve.url}/files`, { method: "POST", body: form })).json()) as { id: string };
  const apiMs = await runBatch(serve, file.id);
  const serverBytes = Math.max(before, serve.memory());
  const commandMs = await runCommand(serve, path);
  await rm(path);
  await serve.stop();
  return { lines, apiMs, commandMs, serverBytes };
}

async function runBatch({ url }: ServeProcess, file: string): Promise<number> {
  const start = performance.now();
  const body = JSON.stringify({
    input_file_id: file,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const headers = { "content-type": "application/json" };
  const created = (await (await fetch(`${url}/batches`, { method: "POST", headers, body })).json()) as { id: string };
  for (;;) {
    const batch = (await (await fetch(`${url}/batches/${created.id}`)).json()) as { status: string };
    if (batch.status === "completed") return performance.now() - start;
    if (batch.status === "failed") throw new Error(`the batch failed: ${JSON.stringify(batch)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function runCommand({ folder, env }: ServeProcess, path: string): Promise<number> {
  const start = performance.now();
  const args = [SLUICE, "batch", path, "--out", join(folder, "out"), "--workers", "0", "--json"];
  const child = registerChild(
    spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env }, stdio: "ignore" }),
  );
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`sluice batch exited with ${code}`);
  return performance.now() - start;
}

export function describeApi({
  clients,
  upstreamMs,
  whole,
  firstToken,
  perSecond,
  readers,
  batch,
}: ApiBenchResult): string {
  const added = (all: Readonly<Record<string, Latency>>, name: string, share: keyof Latency) =>
    `${((all[name]?.[share] ?? 0) - (all.direct?.[share] ?? 0)).toFixed(2)} ms`;
  const rows = Object.keys(whole).map((name) => [
    name,
    name === "direct" ? "" : `${added(whole, name, "p50")} / ${added(whole, name, "p99")}`,
    name === "direct" ? "" : `${added(firstToken, name, "p50")} / ${added(firstToken, name, "p99")}`,
    number(perSecond[name] ?? 0),
  ]);
  const perLine = (ms: number) => `${number((batch.lines * 1000) / ms)} lines/s`;
  return [
    `${clients} clients, upstream ${upstreamMs} ms (requests/s: 0 ms), one worker. Added to direct calls, p50 / p99:`,
    formatMarkdownTable(["", "complete answer", "first token", "requests/s"], rows),
    "",
    formatMarkdownTable(
      ["", "measured"],
      [
        [`memory of the server with ${number(readers.count)} idle readers of a stream`, formatMegabytes(readers.bytes)],
        ["memory without readers", formatMegabytes(readers.idleBytes)],
        [`batch of ${number(batch.lines)} requests over HTTP, after the upload`, perLine(batch.apiMs)],
        ["the same file with sluice batch", perLine(batch.commandMs)],
        ["memory of the server after the batch", formatMegabytes(batch.serverBytes)],
      ],
    ),
  ].join("\n");
}
