import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const CHAT = "minimax/MiniMax-Text-01";
let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open();
});

afterEach(() => sandbox[Symbol.asyncDispose]());

test("chat starts a worker for its answer and stops it; no process or key remains", async () => {
  const { code, stdout, stderr } = await sandbox.run(["chat", "one two three", "--model", CHAT]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("You wrote 3 words: “one two three”.");
  expect(sandbox.simulator.statistics().calls).toBe(1);
  await sandbox.waitUntilNoProcesses();
});

test("the prompt is read from stdin, and without streaming the record is printed", async () => {
  const args = ["chat", "-", "--model", CHAT, "--no-stream", "--json", "--system", "Be short."];
  const { code, stdout } = await sandbox.run(args, { stdin: "four words of prompt\n" });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    event: "record",
    status: "ok",
    attempts: 1,
    response: { text: expect.stringContaining("4 words"), finishReason: { unified: "stop" } },
  });
});

test("--template applies the provider's conversation template", async () => {
  const plain = "Be short.\n### USER: two words\n### BOT: You wrote 2 words.\n### USER: one two three\n### BOT:";
  const { code, stdout } = await sandbox.run(["chat", plain, "--model", CHAT, "--template"]);
  expect(code).toBe(0);
  expect(stdout).toContain("You wrote 3 words: “one two three”.");
});

test("a running worker is used instead of starting one", async () => {
  const worker = sandbox.start(["worker"]);
  await waitFor(() => worker.stderr().includes("takes jobs"), { what: "the worker" });
  sandbox.simulator.configure({ deltaMs: 5 });
  const release = sandbox.simulator.holdStreams(3);
  const chat = sandbox.start(["chat", "hello", "--model", CHAT, "--json"]);
  await chat.event(({ event }) => event === "delta", "the first delta");
  expect(chat.workers()).toEqual([]);
  release();
  expect(await chat.exit).toMatchObject({ code: 0 });
  worker.kill("SIGTERM");
  await worker.exit;
  await sandbox.waitUntilNoProcesses();
});

test("Ctrl-C cancels the item and aborts its call", async () => {
  sandbox.simulator.configure({ deltaMs: 60_000 });
  const chat = sandbox.start(["chat", "hello", "--model", CHAT, "--json"]);
  await waitFor(() => sandbox.simulator.statistics().calls === 1, { what: "the call" });
  chat.killGroup("SIGINT");
  const { code, stderr } = await chat.exit;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "sluice: cancelled\n" });
  await sandbox.waitUntilNoProcesses();
});

test("a worker that is killed during an answer is replaced; the reader gets a reset and then the complete answer", async () => {
  sandbox.simulator.configure({ deltaMs: 5 });
  const release = sandbox.simulator.holdStreams(3);
  const chat = sandbox.start(["chat", "hello", "--model", CHAT, "--json"]);
  await chat.event(({ event }) => event === "delta", "the first delta");
  for (const { pid } of chat.workers()) process.kill(pid, "SIGKILL");
  release();
  expect(await chat.exit).toMatchObject({ code: 0 });
  const events = chat.events();
  const last = events.slice(events.findLastIndex(({ event }) => event === "reset") + 1);
  expect(last.length).toBeLessThan(events.length);
  expect(last.flatMap(({ text }) => text ?? []).join("")).toContain("You wrote 1 word");
});

test("a failed item is reported with a hint, and the exit code is 1", async () => {
  sandbox.simulator.configure({ faults: [{ action: { type: "code", code: 1026 } }] });
  const { code, stdout, stderr } = await sandbox.run(["chat", "hello", "--model", CHAT]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^sluice: content-filter: .+\n {2}.+\n$/);
});

test("a rejected key fails the item and ends the command", async () => {
  const env = { MINIMAX_API_KEY: "wrong" };
  const { code, stderr } = await sandbox.run(["chat", "hello", "--model", CHAT], { env });
  expect(code).toBe(2);
  expect(stderr).toContain("Fix the credentials");
  await sandbox.waitUntilNoProcesses();
});

test.each([
  [["--model", "minimax/embo-01"], "is an embedding model"],
  [["--model", "minimx/MiniMax-Text-01"], "Did you mean"],
  [["--model", "zhipu/glm-4-plus"], "ZHIPU_API_KEY is not set"],
])("%j is rejected before anything starts", async (args, message) => {
  const { code, stderr } = await sandbox.run(["chat", "hello", ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(sandbox.processes()).toEqual([]);
});

test("without a URL, the library uses the folder's private Redis, and leaves it on close", async () => {
  const library = fileURLToPath(new URL("../../../src/producer/client/create-client.ts", import.meta.url));
  const entry = sandbox.write(
    "client.mjs",
    `import { createClient } from ${JSON.stringify(library)};
const client = await createClient();
const { id } = await client.submitChat({ model: ${JSON.stringify(CHAT)}, messages: [{ role: "user", content: "hi" }] });
console.log((await client.status(id)).state);
await client.close();`,
  );
  const { code, stdout, stderr } = await sandbox.run([], { entry });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "queued\n", stderr: "" });
  await sandbox.waitUntilNoProcesses();
});
