import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { InputError, RunError } from "#src/core/failures/errors.ts";
import { exportItems } from "#src/producer/items/item-export.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { writeRunDatabase } from "#test/support/runs/run-database-folder.ts";

const options = { format: "jsonl", signal: new AbortController().signal } as const;
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "sluice-export-"));
  await writeRunDatabase(join(dir, "run"), [{ id: "a", text: "t", tokens: 1 }]);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test.each([
  ["id = ", InputError, "--where"],
  ["json_extract(text, '$.a') = 1", Error, "malformed JSON"],
])("the error of the expression %j is not reported as one of the disk", async (where, type, message) => {
  using finder = new ItemFinder(join(dir, "run"));
  const failed = await exportItems(join(dir, "found.jsonl"), finder.readAll({ where }), options).catch(
    (error) => error,
  );
  expect(failed).toBeInstanceOf(type);
  expect(failed).not.toBeInstanceOf(RunError);
  expect(failed.message).toContain(message);
  expect(readdirSync(dir)).toEqual(["run"]);
});

test("a file that cannot replace a folder is removed", async () => {
  mkdirSync(join(dir, "found.jsonl"));
  using finder = new ItemFinder(join(dir, "run"));
  await expect(exportItems(join(dir, "found.jsonl"), finder.readAll({}), options)).rejects.toBeInstanceOf(RunError);
  expect(readdirSync(dir).sort()).toEqual(["found.jsonl", "run"]);
});
