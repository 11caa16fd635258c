import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLogger } from "#src/cli/commands/worker/open-logger.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function logLine(isTerminal: boolean, colorize = false): Promise<string> {
  const file = join(folder, "log");
  const fd = openSync(file, "w");
  const log = await openLogger({ level: "info", isTerminal, colorize, fd });
  log.debug("hidden");
  log.warn("lane parked", { lane: "minimax/embo-01" });
  closeSync(fd);
  return readFileSync(file, "utf8");
}

it("writes JSON into a pipe", async () => {
  expect(JSON.parse(await logLine(false))).toMatchObject({ level: 40, msg: "lane parked", lane: "minimax/embo-01" });
});

it("writes a readable line into a terminal", async () => {
  expect(await logLine(true)).toMatch(/^\[\d\d:\d\d:\d\d\] WARN: lane parked \{"lane":"minimax\/embo-01"\}\n$/);
  expect(await logLine(true, true)).toContain("\u001b[");
});
