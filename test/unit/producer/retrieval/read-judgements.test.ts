import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readJudgements } from "#src/producer/retrieval/read-judgements.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-judgements-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function read(text: string) {
  const path = join(dir, "judgements");
  writeFileSync(path, text);
  return readJudgements(path);
}

const EXPECTED = new Map([
  [
    "q1",
    new Map([
      ["d 1", 2],
      ["d2", 0],
    ]),
  ],
  ["7", new Map([["d2", 1]])],
]);

test.each([
  [
    "JSONL",
    '{"query":"q1","document":"d 1","relevance":2}\n{"query":"q1","document":"d2","relevance":0}\n\n{"query":7,"document":"d2"}\n',
  ],
  ["TSV with a header", "query-id\tcorpus-id\tscore\r\nq1\td 1\t2\r\nq1\td2\t0\r\n7\td2\t1\r\n"],
])("%s", async (_, text) => {
  expect(await read(text)).toEqual(EXPECTED);
});

test("qrels of TREC", async () => {
  expect(await read("q1 0 d1 2\nq1  0  d2  -1\n")).toEqual(
    new Map([
      [
        "q1",
        new Map([
          ["d1", 2],
          ["d2", -1],
        ]),
      ],
    ]),
  );
});

test("problems are reported by line", async () => {
  const refuse = (text: string) =>
    read(text).then(
      () => undefined,
      (error) => `${error.where}: ${error.message}`,
    );
  expect(await refuse("q1 d1\n")).toMatch(/judgements:1: expected/);
  expect(await refuse("q1 d1 1\nq1 d2 high\n")).toMatch(/judgements:2: expected/);
  expect(await refuse('{"query":"q1"}\n')).toMatch(/judgements:1: expected/);
  expect(await refuse("{broken\n")).toContain("judgements:1");
  expect(await refuse("q d 1\nq d 2\n")).toMatch(/judgements:2: this document was judged/);
  expect(await refuse("\n")).toContain("no judgements");
  await expect(readJudgements(join(dir, "missing"))).rejects.toThrow("cannot be read");
});
