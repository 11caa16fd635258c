import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clearOutputFolder } from "#src/producer/runs/folder/output-folder.ts";
import { openPlannedStore } from "#test/support/runs/planned-run.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-out-"));
  mkdirSync(join(dir, ".work"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("what a kill between planning and the first run.json leaves is replaced without --force", async () => {
  await (await openPlannedStore(dir, 3)).close();
  writeFileSync(join(dir, "run.json.tmp"), '{"ver');
  writeFileSync(join(dir, "run.db.partial"), "");
  await clearOutputFolder(dir, false);
  expect(readdirSync(dir)).toEqual([".work"]);
});

test("a database with records or another content, without a run.json, is only deleted with --force", async () => {
  const store = await openPlannedStore(dir, 3);
  await store.write([{ index: 0, attempts: 1, tokens: 3, json: "an answer" }]);
  await store.close();
  const refusal = "contains run.db of a run, but no run.json";
  await expect(clearOutputFolder(dir, false)).rejects.toThrow(refusal);
  writeFileSync(join(dir, "run.db"), "not a database, or a damaged one".repeat(50));
  await expect(clearOutputFolder(dir, false)).rejects.toThrow(refusal);
  await clearOutputFolder(dir, true);
  expect(readdirSync(dir)).toEqual([".work"]);
});

test("the files of an evaluation are those of a run, also what a killed scoring left", async () => {
  for (const name of ["results.json", "report.html", "report.html.tmp"]) writeFileSync(join(dir, name), "");
  await expect(clearOutputFolder(dir, false)).rejects.toThrow("report.html");
  await clearOutputFolder(dir, true);
  expect(readdirSync(dir)).toEqual([".work"]);
});
