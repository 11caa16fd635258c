import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

/** Runs a module that uses `#src`, and resolves with its stdout. */
async function runModule(code: string): Promise<string> {
  const args = ["--eval", code];
  const { stdout } = await run(process.execPath, args, { cwd: process.cwd(), timeout: 60_000 });
  return stdout;
}

test("a process whose last step is to close a script runner goes on after it", async () => {
  const code = `
    import { ScriptRunner } from "#src/evaluation/sandbox/script-runner.ts";
    const runner = new ScriptRunner({ timeMs: 30_000, memoryMb: 128, cwd: process.cwd(), environment: {} });
    console.log((await runner.run({ source: { code: "1" }, output: "", context: {} })).status);
    await runner.close();
    console.log("closed");`;
  expect(await runModule(code)).toBe("ended\nclosed\n");
});

test("a process whose last step is to close a thread goes on after it", async () => {
  const code = `
    import { PatternRunner } from "#src/evaluation/sandbox/pattern-runner.ts";
    const runner = new PatternRunner(30_000);
    console.log((await runner.run({ source: "a", flags: "g", text: "a", position: "first" })).status);
    await runner.close();
    console.log("closed");`;
  expect(await runModule(code)).toBe("ended\nclosed\n");
});
