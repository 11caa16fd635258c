import { mkdirSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { planInChildProcess } from "#src/producer/run-kinds/embedding/plan-in-child-process.ts";
import { findProcesses } from "#test/support/runs/processes.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

test("an interrupt ends a planning process that does not react, and removes its incomplete database", async () => {
  using folder = new SourceFolder();
  folder.write("a.txt", "alpha beta gamma ".repeat(2_000_000));
  mkdirSync(folder.workDir, { recursive: true });
  const controller = new AbortController();
  const onProgress = () => {
    if (controller.signal.aborted) return;
    const child = findProcesses("plan-process").find(({ parent }) => parent === process.pid);
    if (child === undefined) throw new Error("the planning process was not found");
    // As in the middle of a long step.
    process.kill(child.pid, "SIGSTOP");
    expect(readdirSync(folder.workDir)).toContain("run.db.partial");
    controller.abort(new Error("interrupted"));
  };
  const hooks = { signal: controller.signal, onProgress };
  await expect(planInChildProcess(folder.options(["a.txt"]), folder.workDir, hooks)).rejects.toThrow("interrupted");
  expect(readdirSync(folder.workDir)).toEqual([]);
  expect(findProcesses("plan-process").filter(({ parent }) => parent === process.pid)).toEqual([]);
});
