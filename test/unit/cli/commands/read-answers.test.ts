import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAnswers } from "#src/cli/commands/simulate/read-answers.ts";
import { createAnswerFinder } from "#src/simulator/chat/scripted-answers.ts";

async function read(text: string) {
  const dir = mkdtempSync(join(tmpdir(), "sluice-answers-"));
  try {
    writeFileSync(join(dir, "answers.jsonl"), text);
    return await readAnswers(join(dir, "answers.jsonl"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("the first answer whose text is in the prompt is used, for its model or all", async () => {
  const rows = [
    { prompt: "sky", answer: "grey", model: "small" },
    { prompt: "the sky", answer: "blue" },
  ];
  const find = createAnswerFinder(await read(`\n${rows.map((row) => JSON.stringify(row)).join("\n")}\n`));
  expect(find("Color of the sky?", "small")).toBe("grey");
  expect(find("Color of the sky?", "large")).toBe("blue");
  expect(find("Color of grass?", "large")).toBeUndefined();
});

test("files with problems are refused, by line", async () => {
  await expect(read('{"prompt":"a","answer":"b"}\n{"prompt":"a"}\n')).rejects.toMatchObject({
    where: expect.stringContaining("answers.jsonl:2"),
    message: expect.stringContaining("answer"),
  });
  await expect(read("{broken\n")).rejects.toMatchObject({ where: expect.stringContaining("answers.jsonl:1") });
  await expect(readAnswers("/nowhere/answers.jsonl")).rejects.toThrow("cannot be read");
});
