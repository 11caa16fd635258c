import { parseChineseNumber } from "./chinese-numbers.ts";
import { ENGLISH_NUMBER, parseEnglishNumber } from "./english-numbers.ts";
import type { NumberToken } from "./numbers.ts";

/** Words that contain a numeral without counting anything. */
const IDIOMS =
  /第[零一二两三四五六七八九十百]+|一(?:共|定|样|起|些|般|直|旦|切|边|方面|下|点(?![零〇一二三四五六七八九])|致|律|次性|系列|元[一二]次)|统一|唯一|(?<!分)之一|万一|十分(?!之)|千万别|三角|[四五六七八]边形|二次|周[一二三四五六]|星期[一二三四五六]/g;
const CHINESE_NUMBER =
  /负?(?:(一半)|([百千万]|[零〇一二两三四五六七八九十百千万亿]+)分之([零〇一二两三四五六七八九十百千万亿点]+)|(?:([零〇一二两三四五六七八九十百]+)又([零〇一二两三四五六七八九十百]+)分之([零〇一二两三四五六七八九十百]+))|([零〇一二两兩三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟点]+)(成(?![功为员])|倍)?(半)?)/g;

/** Numbers in words: English ("twenty-one") and Chinese ("二十一", "百分之五", "三分之一"). */
export function findNumberWords(text: string): NumberToken[] {
  return [...findEnglish(text), ...findChinese(text)].sort((a, b) => a.start - b.start);
}

function* findEnglish(text: string): Generator<NumberToken> {
  for (const { 0: words, index } of text.matchAll(ENGLISH_NUMBER)) {
    const value = parseEnglishNumber(words);
    const end = index + words.length;
    // "no one", "one of them", "the one that": a pronoun, and "two three" is no number.
    const isPronoun =
      /^one$/i.test(words) &&
      (/\b(?:no|the|this|that|any|every|some|which)\s$/i.test(text.slice(0, index)) ||
        /^\s(?:of|can|must|that|who|which|another|way)\b/.test(text.slice(end)));
    if (isPronoun) continue;
    const percent = /^\s?(?:%|per\s?cent)/i.exec(text.slice(end));
    yield createToken(value, percent !== null, index, end + (percent?.[0].length ?? 0));
  }
}

function* findChinese(text: string): Generator<NumberToken> {
  if (!/[零〇一二两兩三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾半]/.test(text)) return;
  const plain = text.replace(IDIOMS, (idiom) => " ".repeat(idiom.length));
  for (const match of plain.matchAll(CHINESE_NUMBER)) {
    const [all, isHalf, below, above, whole, mixedBelow, mixedAbove, plainNumber, suffix, half] = match;
    let value: number | undefined;
    let isPercent = false;
    if (isHalf !== undefined) value = 0.5;
    else if (below === "百") [value, isPercent] = [parseChineseNumber(above ?? ""), true];
    else if (below !== undefined)
      value = divide(
        parseChineseNumber(above ?? ""),
        parseChineseNumber(below === "千" || below === "万" ? `一${below}` : below),
      );
    else if (mixedBelow !== undefined) {
      const part = divide(parseChineseNumber(mixedAbove ?? ""), parseChineseNumber(mixedBelow));
      const base = parseChineseNumber(whole ?? "");
      value = part === undefined || base === undefined ? undefined : base + part;
    } else {
      const number = parseChineseNumber(plainNumber ?? "");
      value = number !== undefined && suffix === "成" ? number / 10 : number;
      if (value !== undefined && (half !== undefined || /^[个只]半/.test(plain.slice(match.index + all.length))))
        value += 0.5;
    }
    if (/^[点百千万亿]+$/.test(all)) continue;
    yield createToken(
      value !== undefined && all.startsWith("负") ? -value : value,
      isPercent,
      match.index,
      match.index + all.length,
    );
  }
}

function divide(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined || below === 0 ? undefined : above / below;
}

function createToken(value: number | undefined, isPercent: boolean, start: number, end: number): NumberToken {
  const text = `${value ?? ""}${isPercent ? "%" : ""}`;
  return {
    value: value ?? Number.NaN,
    isPercent,
    text,
    start,
    end,
    role: value === undefined ? "unclear" : "ordinary",
  };
}
