/** A number in a text whose digits are normalized. */
export interface NumberToken {
  readonly value: number;
  readonly isPercent: boolean;
  /** Canonical: "-1234.5", "3/4", "50%". */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** ordinary; label: a list marker, step, ordinal, or part of a name; unclear: a time, date, term with a variable, or "1,5". */
  readonly role: "ordinary" | "label" | "unclear";
}

const DIGITS = /\d{1,3}(?:['’_]\d{3})+(?!\d)|\d{1,3}(?: \d{3})+(?![\d,]|\.\d)|\d+(?:[.,]\d+)*|\.\d+/g;
const LABEL_BEFORE =
  /(?:\b(?:steps?|questions?|problems?|cases?|parts?|sections?|chapters?|tables?|fig(?:ure)?s?|equations?|eqs?\.|examples?|exercises?|options?|method|version|no\.)\s*[#(]?|(?:步骤|问题|例|图|表|公式|方法|情况|选项)\s*|第)$/i;
const LIST_MARKER_AFTER = /^(?:[.)、:](?!\d)|\.?\))[*_]*[^\S\n]*(?=\S)/;

/** Finds all numbers with their signs, units of size ("3 million", "5万"), powers, fractions, and percent signs. */
export function findNumbers(text: string): NumberToken[] {
  const tokens: NumberToken[] = [];
  DIGITS.lastIndex = 0;
  for (let match = DIGITS.exec(text); match; match = DIGITS.exec(text)) {
    const token = readToken(text, match.index, match[0]);
    DIGITS.lastIndex = token.end;
    const before = tokens.at(-1);
    const mixed = before && joinMixedNumber(text, before, token);
    if (mixed) tokens[tokens.length - 1] = mixed;
    else tokens.push(token);
  }
  return tokens;
}

function readToken(text: string, at: number, digits: string): NumberToken {
  const { start, isNegative, hasCurrency, isName } = readBefore(text, at);
  const core = digits.startsWith(".") && /[A-Za-z]/.test(text[at - 1] ?? "") ? digits.slice(1) : digits;
  const plain = readDigits(core);
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  if (LABEL_BEFORE.test(text.slice(Math.max(lineStart, start - 16), start))) {
    const end = at + digits.length;
    return { value: Number.NaN, isPercent: false, text: digits, start, end, role: "label" };
  }
  const after = readAfter(text, at + digits.length, plain ?? "0", hasCurrency);
  const sign = isNegative ? "-" : "";
  const role =
    isName || isListMarker(text, lineStart, start, after.end) || after.role === "label"
      ? "label"
      : plain === undefined
        ? "unclear"
        : after.role;
  return {
    value: (isNegative ? -1 : 1) * after.value,
    isPercent: after.isPercent,
    text: `${sign}${after.text}${after.isPercent ? "%" : ""}`,
    start,
    end: after.end,
    role,
  };
}

interface NumberStart {
  readonly start: number;
  readonly isNegative: boolean;
  readonly hasCurrency: boolean;
  /** "H2O", "x1", "m^2", "GPT-4": the digits are no number of their own. */
  readonly isName: boolean;
}

const BEFORE_NUMBER = /([-+])?\s?((?:US|HK|A|C)?[$€£¥₹]|(?:USD|RMB|CNY|EUR)\s?)?\s?([-+])?$/;

function readBefore(text: string, at: number): NumberStart {
  const nearby = text.slice(Math.max(0, at - 24), at);
  const [all = "", outer, currency, inner] = BEFORE_NUMBER.exec(nearby) ?? [];
  const start = at - all.trimStart().length;
  const hasCurrency = currency !== undefined;
  const sign = inner ?? outer;
  if (sign === undefined) {
    const words = /(?:\b(?:minus|negative)\s+|负|零下)$/i.exec(nearby.slice(0, nearby.length - all.trimStart().length));
    const isName = !hasCurrency && /(?:[A-Za-z_^√]|[√t]\(|\\[a-z]+\{)$/.test(nearby);
    if (words && !isName) return { start: start - words[0].length, isNegative: true, hasCurrency, isName };
    return { start: hasCurrency ? start : at, isNegative: false, hasCurrency, isName };
  }
  const signAt = start;
  const left = text[signAt - 1] ?? "";
  const isSpaced = inner === undefined && /^[-+]\s/.test(all.trimStart());
  // A bullet, a hyphen of a name, or an operator is no sign.
  const isOperator =
    /[\w.)\]%]/.test(left) || (isSpaced && !/[=(:]\s*$/.test(text.slice(Math.max(0, signAt - 3), signAt)));
  if (!isOperator) return { start: signAt, isNegative: sign === "-", hasCurrency, isName: left === "^" };
  return {
    start: hasCurrency ? signAt + 1 : at,
    isNegative: false,
    hasCurrency,
    isName: !isSpaced && /[A-Za-z]/.test(left),
  };
}

/** Digits without thousands marks; undefined where careful people differ, as in "1,5" or "1.2.3". */
function readDigits(digits: string): string | undefined {
  const compact = digits.replace(/[' ’_]/g, "");
  if (/^\d*(?:\.\d+)?$/.test(compact)) return compact;
  if (/^[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$|^[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?$/.test(compact))
    return compact.replaceAll(",", "");
  if (/^[1-9]\d{0,2}(?:\.\d{3})+,\d+$|^[1-9]\d{0,2}(?:\.\d{3}){2,}$/.test(compact))
    return compact.replaceAll(".", "").replace(",", ".");
  return undefined;
}

interface NumberEnd {
  readonly value: number;
  readonly text: string;
  readonly isPercent: boolean;
  readonly end: number;
  readonly role: NumberToken["role"];
}

const MAGNITUDES: Readonly<Record<string, number>> = {
  ...{
    dozen: 12,
    hundred: 100,
    thousand: 1e3,
    million: 1e6,
    billion: 1e9,
    trillion: 1e12,
    k: 1e3,
    m: 1e6,
    mn: 1e6,
    b: 1e9,
    bn: 1e9,
  },
  ...{ 百: 100, 千: 1e3, 万: 1e4, 百万: 1e6, 千万: 1e7, 亿: 1e8, 百亿: 1e10, 千亿: 1e11, 万亿: 1e12 },
};
const POWER_OF_TEN = /(?:[eE]([-+]?\d+)(?!\w)|\s*[×x*·]\s*10\s*(?:\^|\*\*)\s*[({]?\s*([-+]?\d+)\s*[)}]?)/y;
const POWER = /\s?(?:\^|\*\*)\s*[({]?\s*([-+]?\d+)\s*[)}]?/y;
const FRACTION = /\s?\/\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?/y;
const MAGNITUDE =
  /\s?(dozen|hundred|thousand|million|billion|trillion)(?![A-Za-z])|(k)(?![\w/])|\s?((?:百|千|万)?[万亿]|百|千)(?![克米瓦卡帕赫伏分])/iy;
const SHORT_MAGNITUDE = /\s?(mn?|bn?)(?!\w)/iy;
const PERCENT = /\s?(?:%|per\s?cent(?:age points?)?(?![A-Za-z])|pct(?![A-Za-z])|个?百分点)/iy;
const ORDINAL = /(?:st|nd|rd|th)(?![A-Za-z])/y;
const TERM =
  /\s?(?:[yzn](?![A-Za-z])|x(?![A-Za-z]|\s*\d)|i(?![\w'’])|[√πθ]|\.?\\[A-Za-z])|\s?:\s?\d+(?::\d+)*|[-/]\d+[-/]\d+/y;
const ADJECTIVE = /-[A-Za-z]/y;

function readAfter(text: string, from: number, digits: string, hasCurrency: boolean): NumberEnd {
  let [end, value, canonical] = [from, Number(digits), canonicalDigits(digits)];
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = end;
    const match = pattern.exec(text);
    if (match) end += match[0].length;
    return match;
  };
  const finish = (role: NumberToken["role"]): NumberEnd => ({ value, text: canonical, isPercent: false, end, role });
  if (take(ORDINAL)) return finish("label");
  if (take(TERM)) return finish("unclear");
  const scale = (factor: number) => {
    value = Number((value * factor).toPrecision(15));
    canonical = String(value);
  };
  const tens = take(POWER_OF_TEN);
  const power = tens ? null : take(POWER);
  if (tens) {
    value = Number(`${digits}e${tens[1] ?? tens[2]}`);
    canonical = String(value);
  } else if (power) {
    value **= Number(power[1]);
    canonical = String(value);
  }
  const fraction = take(FRACTION);
  if (fraction) {
    const below = Number(fraction[0].replace(/[\s/,]/g, ""));
    [value, canonical] = [value / below, `${canonical}/${below}`];
    if (below === 0 || /^\s?\/\s?\d/.test(text.slice(end, end + 3))) return finish("unclear");
  }
  const magnitude = take(MAGNITUDE) ?? (hasCurrency ? take(SHORT_MAGNITUDE) : null);
  if (magnitude) scale(MAGNITUDES[(magnitude[1] ?? magnitude[2] ?? magnitude[3] ?? "").toLowerCase()] ?? 1);
  if (magnitude?.[3] !== undefined) addSmallerPart();
  if (!Number.isFinite(value)) return finish("unclear");
  if (take(PERCENT)) return { ...finish("ordinary"), isPercent: true };
  ADJECTIVE.lastIndex = end;
  return finish(ADJECTIVE.test(text) ? "label" : "ordinary");

  /** "3亿5000万", "1万2千", "1万2000". */
  function addSmallerPart(): void {
    const part = /^(\d+)([万千百]?)(?!\d)/.exec(text.slice(end, end + 12));
    const size = part ? Number(part[1]) * (MAGNITUDES[part[2] ?? ""] ?? 1) : 0;
    if (!part || size === 0 || size >= value) return;
    end += part[0].length;
    value += size;
    canonical = String(value);
  }
}

/** Without leading zeros, and without zeros at the end of decimals. Long integers keep all their digits. */
function canonicalDigits(digits: string): string {
  const [whole = "", decimals = ""] = digits.split(".");
  const kept = decimals.replace(/0+$/, "");
  return `${whole.replace(/^0+(?=\d)/, "") || "0"}${kept === "" ? "" : `.${kept}`}`;
}

function isListMarker(text: string, lineStart: number, start: number, end: number): boolean {
  if (!/^[\s*_>#(•-]*$/.test(text.slice(lineStart, start))) return false;
  return LIST_MARKER_AFTER.test(text.slice(end, end + 12));
}

/** "1 1/2" is one and a half. */
function joinMixedNumber(text: string, whole: NumberToken, part: NumberToken): NumberToken | undefined {
  if (!/^-?\d+$/.test(whole.text) || !/^\d+\/\d+%?$/.test(part.text) || part.value >= 1) return undefined;
  if (!/^(?:\s|\sand\s|又)$/.test(text.slice(whole.end, part.start))) return undefined;
  const [above = 0, below = 1] = part.text.replace("%", "").split("/").map(Number);
  const numerator = Math.abs(whole.value) * below + above;
  const sign = whole.text.startsWith("-") ? -1 : 1;
  return {
    ...part,
    value: (sign * numerator) / below,
    text: `${sign < 0 ? "-" : ""}${numerator}/${below}${part.isPercent ? "%" : ""}`,
    start: whole.start,
    role: whole.role,
  };
}
