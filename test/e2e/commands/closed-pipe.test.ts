import { spawn } from "node:child_process";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMANDS } from "#src/cli/bind-commands.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { CliSandbox, MODEL } from "#test/support/runs/cli-sandbox.ts";
import { writeCorpus } from "#test/support/runs/corpus.ts";

const ENTRY = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));

let sandbox: CliSandbox;

beforeAll(async () => {
  sandbox = await CliSandbox.open();
  writeCorpus(sandbox, 20);
  expect(await sandbox.embed(["corpus", "--out", "vectors"]).exit).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await sandbox.waitUntilNoProcesses();
  await sandbox[Symbol.asyncDispose]();
});

/** Runs a command whose stdout has lost its reader, and returns its exit code and stderr. */
async function runWithClosedStdout(args: readonly string[]) {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd: sandbox.dir,
    env: {
      PATH: process.env.PATH,
      MINIMAX_API_KEY: SIMULATOR_API_KEY,
      MINIMAX_BASE_URL: sandbox.simulator.url,
      SLUICE_TEST_FOLDER: sandbox.dir,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { stderr: await readText(child.stderr), code: await exited };
}

test.each(
  [
    ["--help"],
    ["--version"],
    ...COMMANDS.map(({ definition }) => [definition.name, "--help"]),
    ["runs"],
    ["runs", "--json"],
    ["runs", "vectors"],
    ["providers"],
    ["models"],
    ["models", "--json"],
    ["doctor"],
    ["ping", MODEL],
    ["search", "vectors", "text"],
    ["embed", "corpus", "--model", MODEL, "--out", "dry", "--dry-run"],
    ["set-limit", MODEL, "--clear"],
  ].map((args) => ({ args })),
)("sluice $args.0 $args.1 ends quietly when nobody reads its output", async ({ args }) => {
  const { code, stderr } = await runWithClosedStdout(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a run continues when nobody reads its events", async () => {
  const args = ["embed", "corpus", "--model", MODEL, "--out", "unread", "--workers", "1", "--json"];
  expect(await runWithClosedStdout(args)).toEqual({ code: 0, stderr: "" });
  expect(sandbox.manifest("unread")).toMatchObject({ state: "finished", items: { succeeded: 20 } });
});
