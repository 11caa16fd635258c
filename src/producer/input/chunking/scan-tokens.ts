/*
 * Estimates tokens in one pass without creating substrings, for texts of ASCII and common Chinese characters. The rules
 * and results are those of the library that estimates all other texts; a test compares the two.
 */

const OTHER = 0;
const SPACE = 1;
const PUNCTUATION = 2;
const CHINESE_PUNCTUATION = 3;
const LOWER = 4;
const DIGIT = 5;
/** Part of a word, but neither a lower-case letter nor a digit. */
const LETTER = 6;
const HAN = 7;

const NEWLINE = 10;
const ASCII = 128;
const FIRST_HAN = 0x4e00;
const LAST_HAN = 0x9fff;
/** Marks outside ASCII that are part of words: quotation marks, the apostrophe, the dash and the ellipsis. */
const MARKS = "‘’“”—…";
const CHINESE_MARKS = "、。《》「」『』【】，！？；：（）";

const asciiKinds = new Uint8Array(ASCII).fill(LETTER);
for (const character of "\t\n\v\f\r ") asciiKinds[character.charCodeAt(0)] = SPACE;
for (const character of '.,!?;(){}[]<>:/\\|@#$%^&*+=`~_"-') asciiKinds[character.charCodeAt(0)] = PUNCTUATION;
for (const character of "0123456789") asciiKinds[character.charCodeAt(0)] = DIGIT;
for (let code = "a".charCodeAt(0); code <= "z".charCodeAt(0); code += 1) asciiKinds[code] = LOWER;

const otherKinds = new Map<number, number>();
for (const character of MARKS) otherKinds.set(character.charCodeAt(0), LETTER);
for (const character of CHINESE_MARKS) otherKinds.set(character.charCodeAt(0), CHINESE_PUNCTUATION);

function getKind(code: number): number {
  if (code < ASCII) return asciiKinds[code] ?? OTHER;
  if (code >= FIRST_HAN && code <= LAST_HAN) return HAN;
  return otherKinds.get(code) ?? OTHER;
}

const CHARACTERS_PER_TOKEN = { punctuation: 6, han: 1.2, digits: 3, letters: 7 };
/** Words of up to 3 characters are one token, and words of up to 8 lower-case letters. */
const SHORT = 3;
const SHORT_LOWER = 8;

/**
 * Estimates the tokens of a text; undefined when it contains a character that only the library handles. Stops, with any
 * number above `limit`, as soon as the text exceeds it.
 */
export function countCommonTokens(text: string, limit = Number.POSITIVE_INFINITY): number | undefined {
  let tokens = 0;
  let isAfterMark = false;
  for (let at = 0; at < text.length && tokens <= limit; ) {
    const kind = getKind(text.charCodeAt(at));
    if (kind === OTHER) return undefined;
    if (kind >= LOWER) {
      const word = scanWord(text, at);
      if (word === undefined) return undefined;
      tokens += word.tokens;
      isAfterMark = word.endsWithMark;
      at = word.end;
      continue;
    }
    const end = findSequenceEnd(text, at, kind);
    const length = end - at;
    if (kind === SPACE) tokens += countSpaceTokens(text, at, end, isAfterMark);
    else if (kind === CHINESE_PUNCTUATION) tokens += Math.ceil(length / CHARACTERS_PER_TOKEN.han);
    else tokens += length <= SHORT ? 1 : Math.ceil(length / CHARACTERS_PER_TOKEN.punctuation);
    isAfterMark = kind !== SPACE;
    at = end;
  }
  return tokens;
}

function findSequenceEnd(text: string, start: number, kind: number): number {
  let end = start + 1;
  while (end < text.length && getKind(text.charCodeAt(end)) === kind) end += 1;
  return end;
}

/** Spaces cost nothing. A line break costs a token unless it follows punctuation, and so does indentation. */
function countSpaceTokens(text: string, start: number, end: number, isAfterMark: boolean): number {
  let newline = start;
  while (newline < end && text.charCodeAt(newline) !== NEWLINE) newline += 1;
  if (newline === end) return 0;
  return newline < end - 1 || !isAfterMark ? 1 : 0;
}

interface Word {
  readonly tokens: number;
  readonly end: number;
  readonly endsWithMark: boolean;
}

/** Scans a word; one with Chinese characters includes the punctuation that follows. */
function scanWord(text: string, start: number): Word | undefined {
  let end = start;
  let kinds = 0;
  let next = OTHER;
  for (; end < text.length; end += 1) {
    next = getKind(text.charCodeAt(end));
    if (next < LOWER) break;
    kinds |= 1 << next;
  }
  if (end < text.length && next === OTHER) return undefined;
  let endsWithMark = false;
  if (kinds & (1 << HAN)) {
    if (end < text.length && next === CHINESE_PUNCTUATION) {
      end = findSequenceEnd(text, end, next);
      endsWithMark = true;
    }
    return { tokens: Math.ceil((end - start) / CHARACTERS_PER_TOKEN.han), end, endsWithMark };
  }
  return { tokens: countWordTokens(end - start, kinds), end, endsWithMark };
}

function countWordTokens(length: number, kinds: number): number {
  if (kinds === 1 << DIGIT) return Math.ceil(length / CHARACTERS_PER_TOKEN.digits);
  if (length <= SHORT || (length <= SHORT_LOWER && kinds === 1 << LOWER)) return 1;
  return Math.ceil(length / CHARACTERS_PER_TOKEN.letters);
}
