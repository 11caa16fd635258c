/**
 * The simulated model's deterministic answer to a text: the value of an expression, a guess at a word problem, or a
 * sentence about the text. A demo needs answers that can be right or wrong, not intelligence.
 */
export function answerPrompt(text: string): string {
  const question = text.trim();
  const expression = findExpression(question);
  if (expression)
    return `${expression.shown} = ${printNumber(expression.value)}\n#### ${printNumber(expression.value)}`;
  const numbers = findNumbers(question);
  if (numbers.length >= 2) return answerWordProblem(question, numbers);
  const words = question.split(/\s+/).filter((word) => word !== "");
  const start = [...question].slice(0, 60).join("");
  return `You wrote ${words.length === 1 ? "1 word" : `${words.length} words`}: “${start}”. 这是模拟器的回答。🙂`;
}

interface Expression {
  readonly shown: string;
  readonly value: number;
}

const EXPRESSION = /(-?\d+(?:\.\d+)?)\s*([-+*/×÷])\s*(\d+(?:\.\d+)?)/;

function findExpression(text: string): Expression | undefined {
  const [, left, operator, right] = EXPRESSION.exec(text) ?? [];
  if (left === undefined || operator === undefined || right === undefined) return undefined;
  const value = calculate(Number(left), operator, Number(right));
  return Number.isFinite(value) ? { shown: `${left} ${operator} ${right}`, value } : undefined;
}

function calculate(left: number, operator: string, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  return operator === "*" || operator === "×" ? left * right : left / right;
}

function findNumbers(text: string): number[] {
  return [...text.matchAll(/\d[\d,]*(?:\.\d+)?/g)].slice(0, 20).map(([digits]) => Number(digits.replaceAll(",", "")));
}

/** Words that indicate the operation, in the order in which they are searched. */
const HINTS: readonly (readonly [RegExp, string, string])[] = [
  [/\b(left|remain\w*|fewer|less|gave|spent|sold|lost|lose|ate)\b|剩|还有/i, "-", "take away"],
  [/\b(each|every|per|times|twice|double)\b|每|倍/i, "×", "multiply"],
  [/\b(split|share\w*|divided?|equally|average)\b|平均|分给/i, "÷", "divide"],
  [/./s, "+", "add"],
];

function answerWordProblem(text: string, numbers: readonly number[]): string {
  const [, operator = "+", verb = "add"] = HINTS.find(([pattern]) => pattern.test(text)) ?? [];
  const [first = 0, ...others] = numbers;
  const value = others.reduce((sum, number) => calculate(sum, operator, number), first);
  const result = printNumber(Number.isFinite(value) ? value : 0);
  return `The numbers are ${numbers.map(printNumber).join(", ")}. We ${verb}: ${numbers
    .map(printNumber)
    .join(` ${operator} `)} = ${result}.\n#### ${result}`;
}

function printNumber(value: number): string {
  return String(Number(value.toFixed(4)));
}

/** The text in pieces as a model would stream it: a word with the following blanks, or a single CJK character. */
export function splitAnswer(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+\s*|[^\p{L}\p{N}]+/gu)?.flatMap(splitLong) ?? [];
}

function splitLong(piece: string): string[] {
  const characters = [...piece];
  if (characters.length <= 8) return [piece];
  const half = Math.ceil(characters.length / 2);
  return [...splitLong(characters.slice(0, half).join("")), ...splitLong(characters.slice(half).join(""))];
}
