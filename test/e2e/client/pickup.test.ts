import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasRedisServer, type RedisProcess, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { type CliProcess, CliSandbox, type JsonEvent } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const CHAT = "minimax/MiniMax-Text-01";
const LIBRARY = JSON.stringify(
  fileURLToPath(new URL("../../../src/producer/client/create-client.ts", import.meta.url)),
);
/** A prompt that the simulated model repeats in about a hundred parts; a slow worker stores several as one delta. */
const QUESTION = Array.from({ length: 20 }, (_, n) => n + 1).join(" and ");

const SUBMIT = `import { createClient } from ${LIBRARY};
const client = await createClient({ redisUrl: process.env.REDIS_URL });
const [text, stream, ttlMs] = process.argv.slice(2);
const messages = [{ role: "user", content: text }];
const { id } = await client.submitChat({ model: ${JSON.stringify(CHAT)}, messages, stream: stream === "true", ttlMs: Number(ttlMs) });
console.log(JSON.stringify({ event: "submitted", id }));
await client.close();`;

const READ = `import { createClient } from ${LIBRARY};
const client = await createClient({ redisUrl: process.env.REDIS_URL });
const [what, id, after] = process.argv.slice(2);
const print = ({ type, ...rest }) => process.stdout.write(JSON.stringify({ event: type, ...rest }) + "\\n");
try {
  if (what === "stream") for await (const event of client.stream(id, after ? { after } : {})) print(event);
  else if (what === "result") print({ type: "record", record: await client.result(id) });
  else print({ type: "cancelled", state: await client.cancel(id) });
} catch (error) {
  print({ type: "threw", name: error.name });
}
await client.close();`;

let sandbox: CliSandbox;
let redis: RedisProcess;
const available = hasRedisServer();

beforeEach(async () => {
  if (!available) return;
  redis = await startRedisProcess({ settings: [["appendfsync", "always"]] });
  sandbox = await CliSandbox.open({ env: { REDIS_URL: redis.url } });
  sandbox.write("submit.mjs", SUBMIT);
  sandbox.write("read.mjs", READ);
});

afterEach(async () => {
  if (!available) return;
  await sandbox[Symbol.asyncDispose]();
  await redis.stop();
});

async function startWorker(): Promise<CliProcess> {
  const worker = sandbox.start(["worker"]);
  await waitFor(() => worker.stderr().includes("takes jobs"), { what: "the worker" });
  return worker;
}

async function submit(text: string, { stream = true, ttlMs = 600_000 } = {}): Promise<string> {
  const submitter = sandbox.start([text, String(stream), String(ttlMs)], {
    entry: sandbox.path("submit.mjs"),
  });
  expect(await submitter.exit).toMatchObject({ code: 0, stderr: "" });
  return String(submitter.events()[0]?.id);
}

function read(what: "stream" | "result" | "cancel", id: string, after = ""): CliProcess {
  return sandbox.start([what, id, after], { entry: sandbox.path("read.mjs") });
}

const deltas = (events: readonly JsonEvent[]) => events.filter(({ event }) => event === "delta");

/** The text after the last reset. Checks the length and the hash that the end event states. */
function expectFullAnswer(events: readonly JsonEvent[]): string {
  const begin = events.findLastIndex(({ event }) => event === "reset") + 1;
  const text = deltas(events.slice(begin))
    .map((delta) => delta.text)
    .join("");
  const sha256 = createHash("sha256").update(text).digest("hex");
  expect(events.at(-1)).toMatchObject({ event: "end", length: text.length, sha256 });
  return text;
}

async function recordText(id: string): Promise<string> {
  const reader = read("result", id);
  await reader.exit;
  const { record } = reader.events()[0] as unknown as { record: { response: { text: string } } };
  return record.response.text;
}

test.skipIf(!available)(
  "submitter, worker and reader are separate processes; a restarted reader continues without a gap or a repetition",
  async () => {
    sandbox.simulator.configure({ deltaMs: 5 });
    const release = sandbox.simulator.holdStreams(10);
    await startWorker();
    const id = await submit(QUESTION);
    const first = read("stream", id);
    await waitFor(() => deltas(first.events()).length >= 2, { what: "two deltas" });
    first.kill("SIGKILL");
    await first.exit;
    release();
    const seen = first.events();
    expect(seen.at(-1)).toMatchObject({ event: "delta" });

    const second = read("stream", id, String(seen.at(-1)?.id));
    expect(await second.exit).toMatchObject({ code: 0, stderr: "" });
    const all = [...seen, ...second.events()];
    expect(new Set(all.map((event) => event.id)).size).toBe(all.length);
    expect(all.some(({ event }) => event === "reset")).toBe(false);
    expect(expectFullAnswer(all)).toBe(await recordText(id));

    const later = read("stream", id);
    await later.exit;
    expect(expectFullAnswer(later.events())).toBe(expectFullAnswer(all));
  },
);

test.skipIf(!available)(
  "a worker killed in mid-stream: readers are reset, and get the whole text of another one",
  async () => {
    sandbox.simulator.configure({ deltaMs: 5 });
    const release = sandbox.simulator.holdStreams(10);
    const worker = await startWorker();
    const id = await submit(QUESTION);
    const reader = read("stream", id);
    await waitFor(() => deltas(reader.events()).length >= 2, { what: "two deltas" });
    worker.kill("SIGKILL");
    await worker.exit;
    release();
    await startWorker();
    expect(await reader.exit).toMatchObject({ code: 0, stderr: "" });
    expect(reader.events().filter(({ event }) => event === "reset")).toHaveLength(1);
    expect(expectFullAnswer(reader.events())).toBe(await recordText(id));
  },
);

test.skipIf(!available)("readers and waiters survive a Redis that is killed and restarted", async () => {
  sandbox.simulator.configure({ deltaMs: 5 });
  const release = sandbox.simulator.holdStreams(10);
  await startWorker();
  const [streamed, plain] = [await submit(QUESTION), await submit(`${QUESTION} and 21`, { stream: false })];
  const [reader, waiter] = [read("stream", streamed), read("result", plain)];
  await waitFor(() => deltas(reader.events()).length >= 2, { what: "two deltas" });
  await redis.kill("SIGKILL");
  await redis.start();
  release();
  for (const { code, stderr } of [await reader.exit, await waiter.exit]) {
    expect(code).toBe(0);
    // The outage is a warning, and nothing else is printed.
    expect(stderr.replaceAll(/^\(node:\d+\) \[SLUICE_REDIS\] SluiceWarning: .*\n|^\(Use .*\n/gm, "")).toBe("");
  }
  expect(expectFullAnswer(reader.events())).toBe(await recordText(streamed));
  expect(waiter.events()).toMatchObject([{ event: "record", record: { status: "ok" } }]);
});

test.skipIf(!available)("an unknown or expired ID is reported immediately", async () => {
  const expiring = await submit("hello", { ttlMs: 300 });
  const waiting = read("result", expiring);
  for (const id of ["c-never", expiring]) {
    const late = id === expiring ? waiting : undefined;
    await late?.exit;
    for (const what of ["stream", "result", "cancel"] as const) {
      const reader = read(what, id);
      await reader.exit;
      expect(reader.events()).toEqual([{ event: "threw", name: "UnknownItemError" }]);
    }
  }
  expect(waiting.events()).toEqual([{ event: "threw", name: "UnknownItemError" }]);
});

test.skipIf(!available)("an item is cancelled before, during and after its call", async () => {
  const before = await submit("never asked");
  const waiter = read("result", before);
  const canceller = read("cancel", before);
  await canceller.exit;
  expect(canceller.events()).toEqual([{ event: "cancelled", state: "queued" }]);
  await waiter.exit;
  expect(waiter.events()).toMatchObject([{ record: { status: "failed", failure: { kind: "cancelled" } } }]);

  await startWorker();
  sandbox.simulator.configure({ deltaMs: 5 });
  const release = sandbox.simulator.holdStreams(10);
  const during = await submit(QUESTION);
  const reader = read("stream", during);
  await waitFor(() => deltas(reader.events()).length >= 2, { what: "two deltas" });
  const second = read("cancel", during);
  await second.exit;
  expect(second.events()).toEqual([{ event: "cancelled", state: "running" }]);
  await reader.exit;
  expect(reader.events().at(-1)).toMatchObject({ event: "error", failure: { kind: "cancelled" } });

  release();
  const after = await submit("hello");
  const text = await recordText(after);
  const third = read("cancel", after);
  await third.exit;
  expect(third.events()).toEqual([{ event: "cancelled", state: "done" }]);
  expect(await recordText(after)).toBe(text);
  // The item that was cancelled in the queue was never sent.
  expect(sandbox.simulator.statistics().calls).toBe(2);
});
