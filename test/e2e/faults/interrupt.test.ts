import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startRedisProcess } from "#test/support/redis/redis-process.ts";
import {
  type CliProcess,
  CliSandbox,
  hasProgressedTo,
  isStopping,
  killIfRunning,
} from "#test/support/runs/cli-sandbox.ts";
import { expectedVectors, writeCorpus } from "#test/support/runs/corpus.ts";
import { findProcesses } from "#test/support/runs/processes.ts";
import { readNpy } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const ITEMS = 1_000;
const ARGS = ["corpus", "--out", "vectors", "--format", "npy", "--json"];

/** Calls that are answered before the others are held; more than a tenth of the run. */
const ANSWERED = 15;

async function openSandbox(): Promise<CliSandbox> {
  const sandbox = await CliSandbox.open({ limits: { requestsPerMinute: 100_000, concurrency: 4 } });
  writeCorpus(sandbox, ITEMS);
  return sandbox;
}

async function expectResumes(sandbox: CliSandbox): Promise<void> {
  expect(sandbox.manifest("vectors")).toMatchObject({ state: "stopped" });
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0, stderr: "" });
  const { floats } = readNpy(sandbox.path("vectors", "vectors.npy"));
  expect(Buffer.compare(Buffer.from(floats.buffer), Buffer.from(expectedVectors(ITEMS).buffer))).toBe(0);
}

test.each([
  ["Ctrl-C", (cli: CliProcess) => cli.killGroup("SIGINT")],
  ["SIGTERM to the command", (cli: CliProcess) => cli.kill("SIGTERM")],
  ["SIGTERM to the group", (cli: CliProcess) => cli.killGroup("SIGTERM")],
  ["a closed terminal", (cli: CliProcess) => cli.killGroup("SIGHUP")],
])("%s stops the run gracefully with exit code 130, and the rerun pays for nothing twice", async (_, interrupt) => {
  await using sandbox = await openSandbox();
  const release = sandbox.simulator.hold(ANSWERED);
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.1), "a tenth of the items");
  interrupt(cli);
  await cli.event(isStopping, "word of the stop");
  release();
  const { code, stderr } = await cli.exit;
  expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
  expect(cli.events().at(-1)).toMatchObject({
    event: "run-end",
    outcome: "stopped",
    hint: expect.stringContaining("the same command"),
  });
  await sandbox.waitUntilNoProcesses();
  await expectResumes(sandbox);
  expect(sandbox.simulator.statistics().calls).toBe(ITEMS / 10);
  expect(sandbox.manifest("vectors").calls).toMatchObject({ made: ITEMS / 10, failed: 0, paidTwice: 0 });
  await sandbox.waitUntilNoProcesses();
});

test("Ctrl-C that ends the workers during their start also ends the command", async () => {
  await using sandbox = await openSandbox();
  // Workers stop at their start, so that none of them is ready when the command is interrupted.
  const hook = sandbox.write("hook.mjs", 'if (process.argv[2] === "worker") process.kill(process.pid, "SIGSTOP");');
  const cli = sandbox.embed(ARGS, { env: { NODE_OPTIONS: `--import ${hook}` } });
  await cli.event(({ event }) => event === "run-start", "the start of the run");
  await waitFor(() => cli.workers().length === 2, { what: "two workers" });
  const workers = cli.workers();
  cli.kill("SIGINT");
  await cli.event(isStopping, "word of the stop");
  for (const { pid } of workers) killIfRunning(pid, "SIGKILL");
  expect(await cli.exit).toMatchObject({ code: 130, stderr: "" });
  await sandbox.waitUntilNoProcesses();
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0, stderr: "" });
  expect(sandbox.simulator.statistics().calls).toBe(ITEMS / 10);
});

test("a second Ctrl-C exits immediately, and nothing is lost", async () => {
  await using sandbox = await openSandbox();
  // The responses in flight never arrive: the first Ctrl-C would wait for them.
  const release = sandbox.simulator.hold(ANSWERED);
  const cli = sandbox.embed(ARGS);
  await cli.event(hasProgressedTo(0.1), "a tenth of the items");
  await cli.event(() => sandbox.simulator.statistics().calls === ANSWERED + 4, "calls that are held");
  cli.killGroup("SIGINT");
  await cli.event(isStopping, "word of the stop");
  cli.killGroup("SIGINT");
  expect(await cli.exit).toMatchObject({ code: 130 });
  await sandbox.waitUntilNoProcesses();
  release();
  expect(await sandbox.embed(ARGS).exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: ITEMS, missing: 0 });
});

test("Ctrl-C while planning sends nothing", async () => {
  await using sandbox = await CliSandbox.open();
  const { cli } = await planning(sandbox);
  cli.killGroup("SIGINT");
  expect(await cli.exit).toMatchObject({ code: 130 });
  expect(sandbox.simulator.statistics().calls).toBe(0);
  await sandbox.waitUntilNoProcesses();
});

/** Starts a command that plans until it is stopped, because its stdin has no end. */
async function planning(sandbox: CliSandbox): Promise<{ readonly cli: CliProcess; readonly planner: number }> {
  const stdin = `${JSON.stringify({ text: "some words" })}\n`.repeat(10_000);
  const cli = sandbox.embed(["-", "--out", "vectors", "--json"], { stdin, keepsStdinOpen: true });
  await cli.event(({ event }) => event === "planning", "planning");
  const findPlanner = () => findProcesses(sandbox.dir).find(({ command }) => command.includes("plan-process"));
  const planner = await waitFor(findPlanner, { what: "the planning process" });
  return { cli, planner: planner.pid };
}

test("a killed planning process ends the command with a hint, and nothing was sent", async () => {
  await using sandbox = await CliSandbox.open();
  const { cli, planner } = await planning(sandbox);
  process.kill(planner, "SIGKILL");
  const { code, stderr } = await cli.exit;
  expect(code).toBe(2);
  expect(stderr).toContain("SIGKILL");
  expect(stderr).toContain("Run the same command again");
  expect(sandbox.simulator.statistics().calls).toBe(0);
  await sandbox.waitUntilNoProcesses();
});

test("a command that is killed while planning leaves no process behind", async () => {
  await using sandbox = await CliSandbox.open();
  const { cli } = await planning(sandbox);
  cli.kill("SIGKILL");
  await cli.exit;
  await sandbox.waitUntilNoProcesses();
  expect(sandbox.simulator.statistics().calls).toBe(0);
});

test("a rerun with different texts on stdin is rejected; with the same texts, or none, it resumes", async () => {
  await using sandbox = await openSandbox();
  const line = (n: number) => `${JSON.stringify({ id: `s-${n}`, text: `text number ${n}` })}\n`;
  const stdin = Array.from({ length: ITEMS }, (_, n) => line(n)).join("");
  const args = ["-", "--out", "vectors", "--format", "npy", "--json"];
  const interrupted = async (given: string) => {
    const release = sandbox.simulator.hold(ANSWERED);
    const cli = sandbox.embed(args, { stdin: given });
    await cli.event(hasProgressedTo(0.01), "further items");
    cli.kill("SIGINT");
    await cli.event(isStopping, "word of the stop");
    release();
    await cli.exit;
    expect(sandbox.manifest("vectors")).toMatchObject({ state: "stopped" });
  };
  await interrupted(stdin);
  const other = await sandbox.embed(args, { stdin: stdin.replace("number 7", "number 8") }).exit;
  expect(other).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("stdin is different"),
  });
  expect(other.stderr).toContain("--force");
  await interrupted(stdin);
  expect(await sandbox.embed(args, { stdin: "" }).exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("vectors").items).toMatchObject({ succeeded: ITEMS, missing: 0 });
});

test("a second process for the same run is rejected, with the same Redis or another", async () => {
  const redis = await startRedisProcess();
  try {
    await using sandbox = await openSandbox();
    // No call is answered before both other processes have ended, however slow the machine is.
    const release = sandbox.simulator.hold();
    const cli = sandbox.embed(ARGS);
    await cli.event(({ event }) => event === "run-start", "the start of the run");
    const again = await sandbox.embed(ARGS).exit;
    const elsewhere = await sandbox.embed(ARGS, { env: { REDIS_URL: redis.url } }).exit;
    for (const { code, stderr } of [again, elsewhere]) {
      expect(code).toBe(2);
      expect(stderr).toContain(`in use by process ${cli.pid}`);
    }
    release();
    expect(await cli.exit).toMatchObject({ code: 0 });
    expect(sandbox.simulator.statistics().calls).toBe(ITEMS / 10);
  } finally {
    await redis.stop();
  }
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s while the command is loading ends it with exit code 130",
  async (signal) => {
    await using sandbox = await CliSandbox.open();
    writeCorpus(sandbox, 10);
    // Sends the signal when the command's own code begins to load.
    const hook = `import module from "node:module";
    module.registerHooks({ resolve(specifier, context, next) {
      if (/cli\\/main\\.[tj]s$/.test(specifier)) process.kill(process.pid, ${JSON.stringify(signal)});
      return next(specifier, context);
    } });`;
    sandbox.write("hook.mjs", hook);
    const cli = sandbox.embed(ARGS, { env: { NODE_OPTIONS: `--import ${sandbox.path("hook.mjs")}` } });
    expect(await cli.exit).toMatchObject({ code: 130, stderr: "" });
    expect(sandbox.simulator.statistics().calls).toBe(0);
    await sandbox.waitUntilNoProcesses();
  },
);

test("a worker that has lost Redis exits at the first SIGTERM, and its log does not repeat the outage", async () => {
  const redis = await startRedisProcess();
  try {
    await using sandbox = await CliSandbox.open({ env: { REDIS_URL: redis.url } });
    sandbox.write("sluice.yaml", "worker:\n  grace: 2s\n");
    const worker = sandbox.start(["worker"]);
    await waitFor(() => worker.stderr().includes("worker takes jobs"), { what: "the worker" });
    await redis.kill();
    let attempts = 0;
    await using _ = await listen(redis.port, () => {
      attempts += 1;
    });
    await waitFor(() => attempts >= 50, { what: "the worker to try to connect again and again" });
    worker.kill("SIGTERM");
    expect(await worker.exit).toMatchObject({ code: 0 });
    expect(worker.stderr().trim().split("\n").length).toBeLessThan(20);
  } finally {
    await redis.stop();
  }
});

/** Accepts connections and closes them at once. */
async function listen(port: number, onConnection: () => void): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    onConnection();
    socket.on("error", () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}
