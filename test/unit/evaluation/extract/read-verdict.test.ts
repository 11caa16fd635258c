import { expect, test } from "vitest";
import { PAIR_LABELS, RUBRIC_LABELS, readRating, readVerdict } from "#src/evaluation/extract/read-verdict.ts";
import type { Reading } from "#src/evaluation/extract/reading.ts";

const read = <T>(reading: Reading<T>) => (reading.status === "found" ? reading.answer : undefined);

test.for([
  ["VERDICT: yes", "yes"],
  ["The steps are right.\n**Verdict: No**", "no"],
  ["Verdict: [[yes]].", "yes"],
  ["yes", "yes"],
  ["No.", "no"],
  ["Grade: C", "yes"],
  ["GRADE: I", "no"],
  ["GRADE: P", undefined],
  ['{"reason": "fine", "verdict": "yes"}', "yes"],
  ['```json\n{"verdict": false}\n```', "no"],
  ['{"reason": "fine"}', undefined],
  ["Verdict: correct", "yes"],
  ["Verdict: not correct", "no"],
  ["Verdict: incorrect", "no"],
  ["Verdict: not yes", undefined],
  ["Verdict: yes/no", undefined],
  ["Verdict: yes or no?", undefined],
  ["Verdict: yesterday", undefined],
  ["The verdict is no", "no"],
  ["Verdict: yes\nBut on reflection:\nVerdict: no", "no"],
  ["Verdict: yes. Verdict: no", undefined],
  ["Verdict: yes\nVerdict: no\nThat is all.", undefined],
  ["I was asked to say yes or no, and cannot.", undefined],
  ["Yes, the first step is right, but the answer is wrong.", undefined],
  ["结论：正确", "yes"],
  ["结论：不正确", "no"],
  ["步骤有误。\n**最终结论**：否", "no"],
  ["判定为合格。", "yes"],
  ["这个回答是正确的吗？很难说。", undefined],
  ["", undefined],
] as const)("the verdict of %j is %s", ([text, expected]) => {
  expect(read(readVerdict(text, RUBRIC_LABELS))).toBe(expected);
});

test.for([
  ["VERDICT: A", "a"],
  ["[[B]]", "b"],
  ["Answer A is longer, and Answer B is right.\nVerdict: Answer B", "b"],
  ["Winner: tie", "tie"],
  ["[[C]]", "tie"],
  ["The answer is not A", undefined],
  ["Verdict: A or B", undefined],
  ["Verdict: A/B", undefined],
  ["Verdict: Abstain", undefined],
  ["Answer A is better", undefined],
  ["胜者：B", "b"],
  ["结论：平局", "tie"],
  ["结论：回答A", "a"],
] as const)("the preference of %j is %s", ([text, expected]) => {
  expect(read(readVerdict(text, PAIR_LABELS))).toBe(expected);
});

test.for([
  ["RATING: 4", 4],
  ["Rating: [[5]]", 5],
  ["Rating: [[7]]", undefined],
  ["**Rating:** 3", 3],
  ["3", 3],
  ["Score: 4/5", 4],
  ["Score: 4 out of 5", 4],
  ["Score: 4/10", undefined],
  ["Rating: 3.5", 3.5],
  ["Rating: 3-4", undefined],
  ["Rating: 3 or 4", undefined],
  ["Rating: -1", undefined],
  ["Rating: not 5", undefined],
  ["Rating: 80%", undefined],
  ["Style score: 2. Content score: 5.", undefined],
  ["Style score: 2\nContent score: 5\nFinal rating: 4", 4],
  ['{"score": 2, "reason": "of 5 facts, 2"}', 2],
  ["评分：4", 4],
  ["评分：４分", 4],
  ["最终评分为 2。", 2],
  ["It names 4 of 5 facts.", undefined],
] as const)("the rating of %j is %s", ([text, expected]) => {
  expect(read(readRating(text, [1, 5]))).toBe(expected);
});
