import { expect, test } from "vitest";
import { describeProblems } from "#src/cli/format/describe-problems.ts";

const numbered = (count: number, message: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => ({ where: `rows.jsonl:${n + 1}`, message: message(n) }));

test("a problem of many lines is shown once, so that it hides no other one", () => {
  const problems = [...numbered(300, () => 'no field "answer"'), { where: "rows.jsonl:301", message: "not JSON" }];
  expect(describeProblems({ problems, problemCount: 301 })).toBe(
    `sluice: the input has 301 problems; nothing was sent
  rows.jsonl:1: no field "answer" (and 299 more like this)
  rows.jsonl:301: not JSON
  Fix the input, or skip invalid entries with --skip-invalid.
`,
  );
});

test("of many different problems the first are shown, and the others are counted", () => {
  const problems = numbered(1_000, (n) => `problem ${n}`);
  const lines = describeProblems({ problems, problemCount: 5_000 }).split("\n");
  expect(lines).toHaveLength(24);
  expect(lines[20]).toBe("  rows.jsonl:20: problem 19");
  expect(lines[21]).toBe("  ... and 4,980 more");
});
