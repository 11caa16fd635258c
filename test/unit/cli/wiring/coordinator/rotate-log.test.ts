import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rotateLog } from "#src/cli/wiring/coordinator/rotate-log.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-log-"));
  path = join(dir, "workers.log");
});
afterEach(() => rmSync(dir, { recursive: true }));

test("a log that is too large is rotated, and one older log is kept", () => {
  for (const text of ["first, too long", "second, too long"]) {
    writeFileSync(path, text);
    rotateLog(path, 10);
  }
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(`${path}.1`, "utf8")).toBe("second, too long");
  expect(readdirSync(dir)).toEqual(["workers.log.1"]);
});

test("small and missing logs are left alone", () => {
  rotateLog(path, 10);
  writeFileSync(path, "short");
  rotateLog(path, 10);
  expect(readFileSync(path, "utf8")).toBe("short");
});
