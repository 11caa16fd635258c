import { expect, test } from "vitest";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

const registry = createScorerRegistry();
const score = async (type: string, options: object, text: string, targets: readonly string[], fields = {}) =>
  await registry.create("s", type, options).scorer?.score(createSample(text, targets, fields));

test.each([
  ["includes", {}, "It is PARIS, of course.", ["paris"], 1],
  ["includes", { ignoreCase: false }, "It is PARIS.", ["paris"], 0],
  ["includes", {}, "15", ["5"], 1],
  ["includes", { wholeWord: true }, "15", ["5"], 0],
  ["includes", { wholeWord: true }, "15 and 5", ["5"], 1],
  ["includes", { wholeWord: true }, "首都是巴黎市", ["巴黎"], 1],
  ["includes", { all: true }, "red and blue", ["red", "green"], 0],
  ["includes", {}, "red and blue", ["red", "green"], 1],
  ["match", {}, "I think it is Paris.", ["paris"], 1],
  ["match", {}, "Paris, I think", ["paris"], 0],
  ["match", { location: "begin" }, "**Paris**, I think", ["paris"], 1],
  ["match", { location: "begin" }, "Parisian", ["paris"], 0],
  ["match", { location: "any" }, "well, Paris it is", ["paris"], 1],
  ["match", {}, "The total is 15", ["5"], 0],
  ["exact", { simplify: true }, "The  Eiffel-Tower!", ["eiffeltower"], 1],
  ["exact", { extract: "answer" }, "Hm.\nAnswer: **Paris**", ["Paris"], 1],
  ["exact", { extract: "last-line" }, "Hm.\n\nParis\n", ["Paris"], 1],
  ["exact", { extract: "first-line" }, "\nParis\nHm.", ["Paris"], 1],
  ["exact", { extract: "code" }, "Text\n```js\nf()\n```\nmore\n```\n1\n```", ["f()"], 1],
  ["answer", {}, "ANSWER: paris", ["Paris"], 1],
  ["answer", { ignoreCase: false }, "ANSWER: paris", ["Paris"], 0],
  ["numeric", {}, "0.5", ["50%"], 1],
  ["numeric", {}, "50%", ["0.5"], 1],
  ["numeric", {}, "50%", ["50"], 1],
  ["numeric", { percent: "fraction" }, "50%", ["50"], 0],
  ["numeric", { percent: "number" }, "50%", ["0.5"], 0],
  ["numeric", { tolerance: 0.01 }, "3.14", ["3.141592"], 1],
  ["numeric", {}, "3.14", ["3.141592"], 0],
  ["numeric", { relativeTolerance: 0.01 }, "101", ["100"], 1],
  ["numeric", {}, "1/3", ["0.3333333333"], 1],
  ["numeric", {}, "12345678901234567891", ["12345678901234567890"], 0],
  ["numeric", {}, "18 dollars", ["She makes 9 * 2 = $18.\n#### 18"], 1],
  ["numeric", { position: "first" }, "3 of 4", ["3"], 1],
  ["numeric", { position: "last" }, "The answer is 3. I used 4 steps", ["4"], 1],
  ["choice", {}, "The answer is (b).", ["B"], 1],
  ["choice", {}, "选C", ["B", "C"], 1],
  ["choice", { multiple: true }, "C and A", ["AC"], 1],
  ["choice", { multiple: true }, "A", ["AC"], 0],
  ["math", {}, "\\boxed{(x+1)^2}", ["x^2+2x+1"], 1],
  ["math", {}, "\\boxed{\\frac{\\sqrt{2}}{2}}", ["\\frac{1}{\\sqrt{2}}"], 1],
  ["math", {}, "\\boxed{0.5}", ["\\frac12"], 1],
  ["math", {}, "\\boxed{50\\%}", ["\\frac12"], 1],
  ["math", {}, "\\boxed{2, -1}", ["-1, 2"], 1],
  ["math", {}, "\\boxed{(2, -1)}", ["(-1, 2)"], 0],
  ["math", {}, "\\boxed{[0,1)}", ["[0,1]"], 0],
  ["math", {}, "\\boxed{\\pm 2}", ["2, -2"], 1],
  ["math", {}, "\\boxed{\\sin^2 x + \\cos^2 x}", ["2"], 0],
  ["math", {}, "\\boxed{x+1}", ["x+2"], 0],
  ["math", {}, "\\boxed{\\text{Monday}}", ["monday"], 1],
  ["math", {}, "\\boxed{y = 2x + 1}", ["2x+1"], 1],
  ["math", {}, "\\boxed{90^\\circ}", ["90"], 1],
  ["math", {}, "\\boxed{3!}", ["6"], 1],
])("%s %j scores %j against %j as %d", async (type, options, text, targets, value) => {
  expect(await score(type, options, text, targets)).toMatchObject({ status: "scored", value });
});

test.each([
  ["numeric", {}, "no number", ["5"]],
  ["numeric", {}, "5 or 6", ["5"]],
  ["choice", {}, "I don't know", ["B"]],
  ["math", {}, "I don't know", ["5"]],
  ["answer", {}, "Paris", ["Paris"]],
  ["exact", { extract: "answer" }, "Paris", ["Paris"]],
])("%s %j finds nothing in %j", async (type, options, text, targets) => {
  expect(await score(type, options, text, targets)).toMatchObject({ status: "unparseable" });
});

test.each([
  ["numeric", {}, "5", ["five or six"]],
  ["choice", {}, "A", ["Paris"]],
  ["choice", { field: "choices" }, "A", ["A"]],
  ["exact", {}, "A", []],
  ["bleu", {}, "A", []],
])("%s %j reports an error for %j with the targets %j", async (type, options, text, targets) => {
  expect(await score(type, options, text, targets)).toMatchObject({ status: "error" });
});
