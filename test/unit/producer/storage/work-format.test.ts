import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  assertWorkFormatReadable,
  WORK_FORMAT,
  WORK_FORMAT_FILE,
  writeWorkFormat,
} from "#src/producer/storage/work-format.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-work-format-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string) => writeFileSync(join(folder, WORK_FORMAT_FILE), text);

test("folders of this version and of the one before it, which wrote no format file, are readable", async () => {
  await assertWorkFormatReadable(folder);
  await writeWorkFormat(folder);
  expect(JSON.parse(readFileSync(join(folder, WORK_FORMAT_FILE), "utf8"))).toEqual({ version: WORK_FORMAT });
  await assertWorkFormatReadable(folder);
});

test("a folder of a newer version is refused with what to do", async () => {
  write(`{"version":${WORK_FORMAT + 1},"anything":"else"}`);
  await expect(assertWorkFormatReadable(folder)).rejects.toMatchObject({
    name: "RunError",
    message: `${folder} was written by a newer version of Sluice (format ${WORK_FORMAT + 1}; this version reads up to ${WORK_FORMAT})`,
    hint: expect.stringContaining("Upgrade Sluice"),
  });
});

test.each(["", "{", "2", '{"version":"2"}', '{"version":0}'])("a damaged format file is refused: %j", async (text) => {
  write(text);
  await expect(assertWorkFormatReadable(folder)).rejects.toThrow("the file is damaged");
});
