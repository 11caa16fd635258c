const SPACE = 1;
const PUNCTUATION = 2;
const CHINESE_PUNCTUATION = 3;
/** A character of another script, which has a number of tokens of its own. */
const OTHER = 4;
const LOWER = 5;
const DIGIT = 6;
/** Part of a word, but neither a lower-case letter nor a digit. */
const LETTER = 7;
const HAN = 8;

const NEWLINE = 10;
const ASCII = 128;
const FIRST_HAN = 0x4e00;
const LAST_HAN = 0x9fff;
/** Marks outside ASCII that are part of words: quotation marks, the apostrophe, the dash and the ellipsis. */
const MARKS = "‘’“”—…";
const CHINESE_MARKS = "、。《》「」『』【】，！？；：（）";

/**
 * First code unit of a script and tokens per code unit, as measured with cl100k by `scripts/measure-tokens.ts`. The
 * vocabularies of Qwen and GLM extend it, and newer ones need fewer tokens. No script needs more tokens than bytes.
 */
const SCRIPTS: readonly (readonly [first: number, tokens: number])[] = [
  [0x80, 1], // Latin-1 signs
  [0xc0, 1.2], // Latin-1 letters, in addition to those of their word
  [0x100, 1.6], // Latin Extended, likewise
  [0x250, 2],
  [0x370, 1.1], // Greek
  [0x400, 0.6], // Cyrillic
  [0x530, 2],
  [0x590, 1.2], // Hebrew
  [0x600, 0.9], // Arabic
  [0x700, 2],
  [0x900, 1.35], // Devanagari
  [0x980, 1.6], // Bengali to Sinhala
  [0xe00, 1], // Thai
  [0xe80, 2.2], // Lao to Georgian
  [0x1100, 3],
  [0x1e00, 1.1], // Vietnamese
  [0x1f00, 2],
  [0x2000, 1], // punctuation
  [0x2070, 2],
  [0x3000, 1], // kana
  [0x3100, 2],
  [0xa000, 3],
  [0xac00, 1.3], // Hangul
  [0xd7b0, 3],
  [0xd800, 1.6], // halves of surrogate pairs, such as emoji
  [0xe000, 3],
  [0xff00, 1.3], // full-width forms
];

const kinds = new Uint8Array(0x10000).fill(OTHER);
kinds.fill(LETTER, 0, ASCII);
kinds.fill(HAN, FIRST_HAN, LAST_HAN + 1);
kinds.fill(LETTER, 0xc0, 0x250);
kinds.fill(LETTER, 0x1e00, 0x1f00);
kinds.fill(LOWER, 0x61, 0x7b);
kinds.fill(DIGIT, 0x30, 0x3a);
setKind("\t\n\v\f\r ", SPACE);
setKind('.,!?;(){}[]<>:/\\|@#$%^&*+=`~_"-', PUNCTUATION);
setKind(MARKS, LETTER);
setKind(CHINESE_MARKS, CHINESE_PUNCTUATION);

const tokensPerUnit = new Float32Array(0x10000);
for (const [first, tokens] of SCRIPTS) tokensPerUnit.fill(tokens, first);
tokensPerUnit.fill(0, FIRST_HAN, LAST_HAN + 1);
for (const mark of MARKS + CHINESE_MARKS) tokensPerUnit[mark.charCodeAt(0)] = 0;

function setKind(characters: string, kind: number): void {
  for (const character of characters) kinds[character.charCodeAt(0)] = kind;
}

function getKind(code: number): number {
  return kinds[code] ?? OTHER;
}

const CHARACTERS_PER_TOKEN = { punctuation: 6, han: 1.2, digits: 3, letters: 7, unusual: 3, mixed: 2, spaces: 8 };
/** Words of up to 3 characters are one token, and words of up to 8 lower-case letters. */
const SHORT = 3;
const SHORT_LOWER = 8;
/** No word is this long; a hash or a key without digits is. */
const LONG = 24;

/**
 * Estimates the tokens of a text, in one pass without creating substrings. Stops, with any number above `limit`, as
 * soon as the text exceeds it.
 */
export function scanTokens(text: string, limit = Number.POSITIVE_INFINITY): number {
  let tokens = 0;
  let isAfterMark = false;
  for (let at = 0; at < text.length && tokens <= limit; ) {
    const kind = getKind(text.charCodeAt(at));
    if (kind >= LOWER) {
      const word = scanWord(text, at);
      tokens += word.tokens;
      isAfterMark = word.endsWithMark;
      at = word.end;
      continue;
    }
    const end = findSequenceEnd(text, at, kind);
    const length = end - at;
    if (kind === OTHER) for (let i = at; i < end; i += 1) tokens += tokensPerUnit[text.charCodeAt(i)] ?? 0;
    else if (kind === SPACE) tokens += countSpaceTokens(text, at, end, isAfterMark);
    else if (kind === CHINESE_PUNCTUATION) tokens += Math.ceil(length / CHARACTERS_PER_TOKEN.han);
    else tokens += length <= SHORT ? 1 : Math.ceil(length / CHARACTERS_PER_TOKEN.punctuation);
    isAfterMark = kind === PUNCTUATION || kind === CHINESE_PUNCTUATION;
    at = end;
  }
  return Math.ceil(tokens);
}

function findSequenceEnd(text: string, start: number, kind: number): number {
  let end = start + 1;
  while (end < text.length && getKind(text.charCodeAt(end)) === kind) end += 1;
  return end;
}

/**
 * The space before a word belongs to it; further ones cost tokens. A line break costs a token unless it follows
 * punctuation, and so does indentation.
 */
function countSpaceTokens(text: string, start: number, end: number, isAfterMark: boolean): number {
  const length = end - start;
  let newline = start;
  while (newline < end && text.charCodeAt(newline) !== NEWLINE) newline += 1;
  const isFree = newline === end ? length === 1 : newline === end - 1 && isAfterMark;
  return Math.ceil((isFree ? length - 1 : length) / CHARACTERS_PER_TOKEN.spaces);
}

interface Word {
  readonly tokens: number;
  readonly end: number;
  readonly endsWithMark: boolean;
}

/** Scans a word; one with Chinese characters includes the punctuation that follows. */
function scanWord(text: string, start: number): Word {
  let end = start;
  let found = 0;
  let accents = 0;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    const kind = getKind(code);
    if (kind < LOWER) break;
    found |= 1 << kind;
    if (code >= ASCII) accents += tokensPerUnit[code] ?? 0;
  }
  if ((found & (1 << HAN)) === 0)
    return { tokens: countWordTokens(end - start, found) + accents, end, endsWithMark: false };
  const endsWithMark = end < text.length && getKind(text.charCodeAt(end)) === CHINESE_PUNCTUATION;
  if (endsWithMark) end = findSequenceEnd(text, end, CHINESE_PUNCTUATION);
  return { tokens: Math.ceil((end - start) / CHARACTERS_PER_TOKEN.han) + accents, end, endsWithMark };
}

function countWordTokens(length: number, found: number): number {
  if (found === 1 << DIGIT) return Math.ceil(length / CHARACTERS_PER_TOKEN.digits);
  if (length <= SHORT || (length <= SHORT_LOWER && found === 1 << LOWER)) return 1;
  if (found & (1 << DIGIT)) return Math.ceil(length / CHARACTERS_PER_TOKEN.mixed);
  return Math.ceil(length / (length > LONG ? CHARACTERS_PER_TOKEN.unusual : CHARACTERS_PER_TOKEN.letters));
}
