import { parseExpression } from "./expression.ts";
import { simplifyLatex } from "./latex.ts";
import { findMarkedAnswers, LONGEST_TEXT } from "./marked-answers.ts";
import { normalizeDigits } from "./normalize-digits.ts";
import { readNumber } from "./read-number.ts";
import { ambiguous, found, NOTHING_READ, type Reading } from "./reading.ts";
import { stripDecoration } from "./text-extractors.ts";

const INLINE_MATH = /\$\$([\s\S]+?)\$\$|\$([^$\n]+)\$|\\\(([\s\S]+?)\\\)|\\\[([\s\S]+?)\\\]/g;

/** Reads the expression that a text gives as its answer: marked, the last formula, or the last number; as plain text, not LaTeX. */
export function readMath(original: string): Reading<string> {
  const text = original.slice(-LONGEST_TEXT);
  const marked = findMarkedAnswers(text);
  const last = marked.at(-1);
  if (last) {
    const other = marked.at(-2);
    const answer = cleanExpression(last.text);
    if (answer === "") return NOTHING_READ;
    if (other && last.kind === "boxed" && other.kind === "boxed" && cleanExpression(other.text) !== answer) {
      if (/^[^\n.。=≈→]*$/.test(text.slice(other.end, last.start)))
        return ambiguous("several answers are marked in one sentence");
    }
    if (last.kind !== "phrase" || isFormula(answer)) return found(answer);
    // "The answer is x = 5 because ...": the formula or number in the sentence.
    return readFormula(last.text) ?? readNumberText(last.text);
  }
  const whole = cleanExpression(text);
  if (!text.trim().includes("\n") && isFormula(whole)) return found(whole);
  return readFormula(text) ?? readNumberText(text);
}

function readFormula(text: string): Reading<string> | undefined {
  const formulas = text
    .matchAll(INLINE_MATH)
    .map(([, ...groups]) => cleanExpression(groups.find((group) => group !== undefined) ?? ""));
  const last = formulas.filter(isFormula).toArray().at(-1);
  return last === undefined ? undefined : found(last);
}

function readNumberText(text: string): Reading<string> {
  const reading = readNumber(text);
  return reading.status === "found" ? found(reading.answer.text) : reading;
}

const FUNCTION_NAME = /^(?:sin|cos|tan|log|ln|exp|sqrt|root|cot|sec|csc|arcsin|arccos|arctan|sinh|cosh|tanh)$/;

/** Whether a text is a term, a list or a pair of terms, and not a sentence. */
function isFormula(text: string): boolean {
  if (text === "" || text.length > 200) return false;
  const words = (text.match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !FUNCTION_NAME.test(word));
  if (words.length > 1 || words.some((word) => word.length > 3)) return false;
  return splitList(text).every((part) => parseExpression(part.replaceAll("±", "+")) !== undefined);
}

/** The elements of "(1, 2)", "{1, 2}", or "1, 2"; the text itself if it is no list. */
export function splitList(text: string): string[] {
  const inner = isBracketed(text) && text.includes(",") ? text.slice(1, -1) : text;
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (let i = 0; i <= inner.length; i += 1) {
    const character = inner[i];
    if (character !== undefined && "([{".includes(character)) depth += 1;
    else if (character !== undefined && ")]}".includes(character)) depth -= 1;
    else if (character === undefined || (character === "," && depth === 0)) {
      parts.push(inner.slice(from, i).trim());
      from = i + 1;
    }
  }
  return parts;
}

/** Whether the first and the last character are brackets that belong together; intervals may mix them. */
export function isBracketed(text: string): boolean {
  if (!/^[([{].*[)\]}]$/s.test(text)) return false;
  let depth = 0;
  for (const [i, character] of [...text].entries()) {
    if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    if (depth === 0 && i < text.length - 1) return false;
  }
  return true;
}

const UNITS =
  /(?<=[\d)}\]°π])\s*(?:°|degrees?|units?|square units?|cubic units?|(?:square |cubic )?(?:cm|mm|km|m|in|ft|inches|feet|meters?|centimeters?|miles?|dollars?|cents?|hours?|minutes?|seconds?|days?|years?|kg|g|元|个|米|厘米|度|平方米|平方厘米)(?:\^[23])?)\s*$/i;

/** Plain text of an expression: without delimiters, thousands marks, units, "x =", and a full stop. */
export function cleanExpression(original: string): string {
  const stripped = stripDecoration(original);
  const plain = normalizeDigits(stripped.includes("\\") ? simplifyLatex(stripped) : stripped)
    .replace(/\\(sin|cos|tan|cot|sec|csc|log|ln|exp|arcsin|arccos|arctan|sinh|cosh|tanh)(?![A-Za-z])/g, "$1")
    .replace(/^\$+|\$+$/g, "")
    .replace(/[$€£¥](?=\s?\d)/g, "")
    .replace(/(\d),(?=\d{3}(?:\D|$))(?<![([{].*)/g, "$1")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[.。,，;；]$/, "")
    .replace(UNITS, "");
  return plain
    .replace(/^[A-Za-z](?:\([A-Za-z]\))?\s*(?:=|∈)\s*(?=[^=])/, "")
    .replace(/\s*([-+*/^=,()[\]{}<>≤≥×·÷±])\s*/g, "$1")
    .replaceAll(",", ", ")
    .trim();
}
