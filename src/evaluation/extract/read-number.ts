import { findMarkedAnswers, LONGEST_TEXT, type MarkedAnswer } from "./marked-answers.ts";
import { normalizeDigits } from "./normalize-digits.ts";
import { findNumberWords } from "./number-words.ts";
import { findNumbers, type NumberToken } from "./numbers.ts";
import { ambiguous, found, NOTHING_READ, type Reading } from "./reading.ts";

export type NumberPosition = "answer" | "first" | "last";

/**
 * Reads the number that a text gives as its answer: the last marked answer with a number, otherwise the last number. Ranges,
 * alternatives ("5 or 6"), bounds ("at least 5"), and compounds ("2 hours 30 minutes") are ambiguous.
 */
export function readNumber(original: string, position: NumberPosition = "answer"): Reading<NumberToken> {
  const text = position === "first" ? original.slice(0, LONGEST_TEXT) : original.slice(-LONGEST_TEXT);
  // Most targets.
  if (/^-?[1-9]\d{0,14}$/.test(text))
    return found({ value: Number(text), isPercent: false, text, start: 0, end: text.length, role: "ordinary" });
  if (position !== "answer") {
    const tokens = findNumbers(normalizeDigits(text)).filter(({ role }) => role === "ordinary");
    const token = position === "first" ? tokens[0] : tokens.at(-1);
    return token ? found(token) : NOTHING_READ;
  }
  const marked = findMarkedAnswers(text);
  for (let i = marked.length - 1; i >= 0; i -= 1) {
    const answer = marked[i];
    if (answer === undefined) continue;
    const reading = readClause(normalizeDigits(answer.text), "first");
    if (reading.status === "none") continue;
    const other = marked[i - 1];
    if (reading.status === "found" && other !== undefined && areAlternatives(text, other, answer)) {
      const before = readClause(normalizeDigits(other.text), "first");
      if (before.status === "found" && before.answer.value !== reading.answer.value)
        return ambiguous("several answers are marked in one sentence");
    }
    return reading;
  }
  return readLastNumber(normalizeDigits(text));
}

/** Two boxes in one sentence are two answers; a later sentence corrects an earlier one. */
function areAlternatives(text: string, first: MarkedAnswer, second: MarkedAnswer): boolean {
  if (first.kind !== "boxed" || second.kind !== "boxed") return false;
  return /^[^\n.。=≈→]*$/.test(text.slice(first.end, second.start).replaceAll(/\\[a-z]+/g, ""));
}

/** Not after the number of a list item. */
const SENTENCE_BREAK = /(?<=[!?。！？；;](?!\d)|(?<!^[\s*_#>(-]*\d{1,3})\.(?=\s+\D|\s*$))/;

function readLastNumber(text: string): Reading<NumberToken> {
  const lines = text.split("\n");
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    const line = lines[i] ?? "";
    if (!/\d/.test(line)) continue;
    const sentences = line.split(SENTENCE_BREAK);
    for (let j = sentences.length - 1; j >= 0; j -= 1) {
      const sentence = sentences[j] ?? "";
      if (!/\d/.test(sentence) || /[?？]\s*$/.test(sentence)) continue;
      const reading = readClause(sentence, "last");
      if (reading.status !== "none") return reading;
    }
  }
  return readOnlyWords(text);
}

/** Without digits, the number in words if there is only one. */
function readOnlyWords(text: string): Reading<NumberToken> {
  const words = findNumberWords(text);
  const [first] = words;
  if (first === undefined) return NOTHING_READ;
  if (words.some(({ value }) => value !== first.value)) return ambiguous("there are several numbers in words");
  return first.role === "ordinary" ? found(first) : NOTHING_READ;
}

/** Reads one sentence, or the part of it after a marker. */
function readClause(clause: string, pick: "first" | "last"): Reading<NumberToken> {
  const all = findNumbers(clause).filter(
    ({ role, start }, i) => role !== "label" && !(i > 0 && /±\s*$/.test(clause.slice(0, start))),
  );
  const digits =
    pick === "first" ? all.filter((token) => token.start <= breakAfter(clause, all)) : withoutRemarks(clause, all);
  const tokens = digits.length > 0 ? digits : findNumberWords(clause);
  if (tokens.length === 0) return NOTHING_READ;
  const equal = Math.max(clause.lastIndexOf("="), clause.lastIndexOf("≈"));
  const right = tokens.filter(({ start }) => start > equal);
  const left = tokens.filter(({ start }) => start < equal);
  if (equal !== -1 && right.length > 0 && isEquationEnd(clause, equal, tokens)) {
    const [first] = right;
    // "8 = 5 + 3" states 8.
    if (left.length === 1 && left[0] && right.length > 1 && isExpression(clause, right))
      return check(clause, left[0], tokens);
    if (first) return check(clause, first, tokens);
  }
  const emphasized = pick === "last" ? tokens.filter((token) => isEmphasized(clause, token)).at(-1) : undefined;
  const chosen = emphasized ?? (pick === "first" ? tokens[0] : tokens.at(-1));
  return chosen ? check(clause, chosen, emphasized ? [emphasized] : tokens) : NOTHING_READ;
}

/** Without numbers in brackets and in ", which ..." if there are others: "$45 (with 10% tax)", "12 cows, which is 3 less". */
function withoutRemarks(clause: string, tokens: readonly NumberToken[]): readonly NumberToken[] {
  const kept = tokens.filter(({ start }) => {
    const before = clause.slice(0, start);
    return (
      before.lastIndexOf("(") <= before.lastIndexOf(")") && !/,\s+(?:which|where|who|because|since|as)\s/.test(before)
    );
  });
  return kept.length > 0 ? kept : tokens;
}

/** Where the explanation begins: "5, because 2 + 3 = 5", "5 (2 boxes)". */
function breakAfter(clause: string, tokens: readonly NumberToken[]): number {
  const [first] = tokens;
  if (first === undefined) return 0;
  const rest = clause.slice(first.end);
  const explained =
    /[(（]|[,，]\s*(?=[A-Za-z\u4e00-\u9fff])(?!(?:or|and)\b|或|和)|\b(?:because|since|as|given|which|where|not|rather)\b|因为|而不是|不是|，?即/.exec(
      rest,
    );
  return explained ? first.end + explained.index : clause.length;
}

function isEquationEnd(clause: string, equal: number, tokens: readonly NumberToken[]): boolean {
  return !/[<>≤≥≠!]$/.test(clause.slice(0, equal)) && tokens.length > 0;
}

function isExpression(clause: string, tokens: readonly NumberToken[]): boolean {
  return tokens.every((token, i) => {
    const next = tokens[i + 1];
    return next === undefined || OPERATOR.test(clause.slice(token.end, next.start));
  });
}

function isEmphasized(clause: string, { start, end }: NumberToken): boolean {
  const opening = clause.lastIndexOf("**", start);
  if (opening === -1 || (clause.slice(0, opening).match(/\*\*/g)?.length ?? 0) % 2 === 1) return false;
  const closing = clause.indexOf("**", end);
  return (
    closing !== -1 &&
    /^[^:：]{0,40}$/.test(clause.slice(opening + 2, closing)) &&
    !clause.slice(opening + 2, start).includes("**")
  );
}

const OPERATOR = /^[^\n]{0,3}[-+*×÷·][^\n]{0,2}$/;
const UNIT = String.raw`(?:\s?[A-Za-z°'"$€£¥%\u4e00-\u9fff/^²³]+(?:\s[A-Za-z]+)?)?`;
const ALTERNATIVE = new RegExp(
  String.raw`^${UNIT}\s*[,，]?\s*(?:\b(?:or|and|to|versus|vs\.?|out of|of|through|remainder|r)\b|and/or|[-~～;；:/&]|[,，、]|或者?|和|与|及|到|至|比|余)\s*(?:(?:about|around|maybe|perhaps|possibly|even|is|equals|约)\s*)?(?:[a-z]\s*=\s*)?[({[]?\s*$`,
  "iu",
);
/** "From 10 apples, 4 remain." */
const INTRODUCTION = /^\s*(?:from|of|out of|with|after|given|since|because)\b.*,\s*$/i;
/** "60 miles in 1 hour", "1 in 6" */
const RELATION = new RegExp(String.raw`^${UNIT}\s+(?:in|per|over|for|within|every|each)\s+$`, "i");
const COMPOUND =
  /^\s?(?:hours?|hrs?|h|minutes?|mins?|feet|ft|foot|pounds?|lbs?|years?|days?|weeks?|months?|dollars?|小时|时|分钟?|元|米|年|天|月|斤|角)\s*(?:,?\s*and\s|[又零]|,\s)?\s*$/i;
const BOUND_BEFORE =
  /(?:\b(?:at least|at most|more than|less than|fewer than|greater than|up to|over|under|above|below|between|exceeds|minimum of|maximum of)|[<>≤≥±]|至少|至多|最多|最少|超过|不到|不足|大于|小于|多于|少于|高于|低于)\s*[$€£¥]?\s*$/i;
const BOUND_AFTER =
  /^\s?(?:[A-Za-z]+\s|[\u4e00-\u9fff])?(?:or (?:more|less|fewer|greater|higher|lower)|and (?:above|below|up)|以上|以下|[^.]{0,12}below zero|多个?(?![\u4e00-\u9fff]))|^\+(?!\s*\d)/i;

/** Careful people differ about a number that is linked to another one, or bounds a value. */
function check(clause: string, token: NumberToken, tokens: readonly NumberToken[]): Reading<NumberToken> {
  if (token.role === "unclear") return ambiguous("the answer is not a plain number");
  if (BOUND_BEFORE.test(clause.slice(0, token.start)) || BOUND_AFTER.test(clause.slice(token.end)))
    return ambiguous("the answer is a bound or a range");
  const at = tokens.indexOf(token);
  const [before, after] = [tokens[at - 1], tokens[at + 1]];
  if (
    before &&
    isLinked(clause.slice(before.end, token.start), before, token) &&
    !INTRODUCTION.test(clause.slice(0, token.start))
  )
    return ambiguous("the answer has several numbers");
  if (before && RELATION.test(clause.slice(before.end, token.start)))
    return ambiguous("the answer relates two numbers");
  if (after && isLinked(clause.slice(token.end, after.start), token, after))
    return ambiguous("the answer has several numbers");
  if (/^\s?(?:[+*×÷·]|-\s)\s?[a-z(√]/.test(clause.slice(token.end))) return ambiguous("the answer is an expression");
  return found(token);
}

function isLinked(gap: string, before: NumberToken, after: NumberToken): boolean {
  if (before.value === after.value && before.isPercent === after.isPercent) return false;
  return ALTERNATIVE.test(gap) || COMPOUND.test(gap) || OPERATOR.test(gap);
}
