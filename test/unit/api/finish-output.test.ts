import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { summarizeAnswers, writeErrorFile } from "#src/api/batches/finish-output.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-output-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const write = (name: string, lines: readonly object[]) => {
  const path = join(dir, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
};

test.each([
  ["cancelled", "batch_cancelled"],
  ["expired", "batch_expired"],
  ["completed", "cancelled"],
] as const)(
  "requests without an answer of a batch that is %s have the code %s; others keep theirs",
  async (reason, code) => {
    const unanswered = { custom_id: "a", response: null, error: { code: "cancelled", message: "m" } };
    const failed = { custom_id: "b", response: null, error: { code: "timeout", message: "m" } };
    const refused = { custom_id: "c", response: { status_code: 400, body: {} }, error: null };
    const to = join(dir, "to.jsonl");
    expect(await writeErrorFile(write("from.jsonl", [unanswered, failed, refused]), to, reason)).toBe(3);
    const lines = readFileSync(to, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0].error.code).toBe(code);
    expect(lines.slice(1)).toEqual([failed, refused]);
  },
);

test("the usage of a batch is the sum of its answers, in the names of all endpoints", async () => {
  const line = (usage: object) => ({
    custom_id: "x",
    response: { status_code: 200, body: { data: [], usage } },
    error: null,
  });
  const path = write("output.jsonl", [
    line({ prompt_tokens: 1, total_tokens: 1 }),
    line({
      ...{ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
      ...{ prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 5 } },
    }),
    line({ input_tokens: 100, input_tokens_details: { cached_tokens: 40 }, output_tokens: 200, total_tokens: 300 }),
    { custom_id: "y", response: { status_code: 200, body: {} }, error: null },
  ]);
  expect(await summarizeAnswers(path)).toEqual({
    lines: 4,
    usage: {
      input_tokens: 111,
      input_tokens_details: { cached_tokens: 44 },
      output_tokens: 220,
      output_tokens_details: { reasoning_tokens: 5 },
      total_tokens: 331,
    },
  });
  const none = await summarizeAnswers(join(dir, "missing.jsonl"));
  expect(none).toMatchObject({ lines: 0, usage: { total_tokens: 0 } });
});
