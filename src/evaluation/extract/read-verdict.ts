import { LONGEST_TEXT } from "./marked-answers.ts";
import { findJson } from "./read-json.ts";
import { ambiguous, found, NOTHING_READ, type Reading } from "./reading.ts";

/** What a judge may say, with other words for it. */
export type VerdictLabels = Readonly<Record<string, readonly string[]>>;

export const RUBRIC_LABELS: VerdictLabels = {
  yes: ["yes", "correct", "pass", "passed", "true", "c", "是", "正确", "合格", "通过", "符合"],
  no: [
    "no",
    "incorrect",
    "not correct",
    "fail",
    "failed",
    "false",
    "i",
    "否",
    "错误",
    "不正确",
    "不合格",
    "不通过",
    "不符合",
  ],
};

export const PAIR_LABELS: VerdictLabels = {
  a: ["a", "answer a", "assistant a", "回答a", "答案a"],
  b: ["b", "answer b", "assistant b", "回答b", "答案b"],
  tie: ["tie", "c", "equal", "平局", "平手"],
};

const VERDICT_MARKER = String.raw`(?<![\p{L}\p{N}])(?:(?:final\s+)?(?:verdict|grade|judge?ment|decision|conclusion|winner|answer)|最终结论|结论|判断|判定|评判|评级|胜者|答案)`;
const RATING_MARKER = String.raw`(?<![\p{L}\p{N}])(?:(?:final\s+|overall\s+)?(?:rating|score|grade)|最终评分|评分|得分|分数|打分)`;
const IS = String.raw`[*_"'”’]*\s*(?:[:：=]|\bis(?:\s*[:：])?(?!\p{L})|[是为])\s*`;
const OPENING = String.raw`[\s*_"'“‘\x60([{【（]*`;
/** What may not follow a verdict: another alternative, or the rest of a word. */
const ALTERNATIVE = /^[\s*_"'”’`)\]}】）]*(?:[/|]|(?:or|and|or\s+not|和|或者?)(?![a-z])|[-–~～至到]\s*\d|to\s+\d)/i;

/**
 * Reads the verdict of a judge: the JSON field `verdict`, or what follows "Verdict:", "Grade:", "结论：", or is in `[[...]]`, or is the
 * whole text. The last line decides if it has a verdict; otherwise all verdicts must be equal.
 */
export function readVerdict(text: string, labels: VerdictLabels): Reading<string> {
  const words = Object.entries(labels)
    .flatMap(([label, names]) => names.map((name) => ({ label, name })))
    .sort((a, b) => b.name.length - a.name.length);
  const toLabel = (name: string) =>
    words.find((word) => word.name === name.toLowerCase().trim().replace(/\s+/g, " "))?.label;
  const alternatives = words.map(({ name }) => name.replaceAll(" ", String.raw`\s+`)).join("|");
  const value = `(${alternatives})(?![a-z0-9'’+-])`;
  return readMarked(text, { marker: VERDICT_MARKER, value, fields: ["verdict", "grade", "winner"], parse: toLabel });
}

/** Reads the rating of a judge as `readVerdict` reads verdicts. Numbers outside of the scale, and on another scale ("7/10"), are no ratings. */
export function readRating(text: string, [low, high]: readonly [number, number]): Reading<number> {
  const parse = (match: string) => {
    const [, digits, scale] = /^([-+]?\d+(?:\.\d+)?)(?:\s*(?:\/|out\s+of)\s*(\d+))?/i.exec(match) ?? [];
    const rating = digits === undefined ? Number.NaN : Number(digits);
    return rating >= low && rating <= high && (scale === undefined || Number(scale) === high) ? rating : undefined;
  };
  const value = String.raw`([-+]?\d+(?:\.\d+)?(?:\s*(?:\/|out\s+of)\s*\d+)?)(?![\d%]|\.\d)`;
  return readMarked(text, { marker: RATING_MARKER, value, fields: ["rating", "score", "grade"], parse });
}

interface Pattern<T> {
  /** Source of a regular expression. */
  readonly marker: string;
  /** Source of a regular expression with one group. */
  readonly value: string;
  /** Fields of a JSON object, of which the first one that exists counts. */
  readonly fields: readonly string[];
  /** Undefined for what is no verdict. */
  readonly parse: (match: string) => T | undefined;
}

function readMarked<T extends string | number>(
  original: string,
  { marker, value, fields, parse }: Pattern<T>,
): Reading<T> {
  const text = original.slice(-LONGEST_TEXT).normalize("NFKC").trim();
  const fromJson = readField(text, fields);
  if (fromJson !== undefined) return toReading([parse(fromJson)]);
  const whole = new RegExp(`^${OPENING}${value}[\\s*_"'”’\`)\\]}】）.。!！]*$`, "iu").exec(text)?.[1];
  if (whole !== undefined) return toReading([parse(whole)]);
  const pattern = new RegExp(`(?:${marker}${IS}|\\[\\[)${OPENING}${value}`, "giu");
  const read = (part: string) =>
    [...part.matchAll(pattern)].map(({ 0: all, 1: name = "", index }) =>
      ALTERNATIVE.test(part.slice(index + all.length)) ? undefined : parse(name),
    );
  const last = read(text.split("\n").at(-1) ?? "");
  return toReading(last.length > 0 ? last : read(text));
}

function toReading<T>(values: readonly (T | undefined)[]): Reading<T> {
  const [first] = values;
  if (values.length === 0) return NOTHING_READ;
  if (values.some((value) => value === undefined || value !== first) || first === undefined)
    return ambiguous("the verdict is not one of those that were asked for, or there are several");
  return found(first);
}

function readField(text: string, fields: readonly string[]): string | undefined {
  if (!text.includes("{")) return undefined;
  const value = findJson(text)?.value;
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value).map(([key, one]) => [key.toLowerCase(), one] as const);
  const found = fields.map((field) => entries.find(([key]) => key === field)?.[1]).find((one) => one !== undefined);
  return ["string", "number", "boolean"].includes(typeof found) ? String(found) : undefined;
}
