/** An answer that the text marks as its answer. */
export interface MarkedAnswer {
  readonly kind: "boxed" | "tag" | "hash" | "phrase";
  readonly text: string;
  /** Where the marker and the answer are in the text. */
  readonly start: number;
  readonly end: number;
}

/** Of longer texts only the end is read, so that one answer of many megabytes cannot stop a run. */
export const LONGEST_TEXT = 20_000;

const ANY_MARKER = /answer|\bans\b|solution|final result|答|最终结果|最后结果|boxed|fbox|####/i;

/**
 * Finds the answers that a text marks, in their order: `\boxed{...}`, `<answer>...</answer>`, `"answer": ...` in JSON, `#### ...` of
 * GSM8K, "The answer is ...", "Answer: ...", "答案是...", "答：...". Negated, hypothetical, and rejected answers are left out, and so is
 * what follows a further question that the model asked itself.
 */
export function findMarkedAnswers(text: string): MarkedAnswer[] {
  if (!ANY_MARKER.test(text)) return [];
  const found = [...findBoxed(text), ...findTags(text), ...findHashes(text), ...findPhrases(text)];
  found.sort((a, b) => a.start - b.start);
  const further = FURTHER_QUESTION.exec(text);
  const before = further === null ? found : found.filter(({ end }) => end <= further.index);
  return before.length > 0 ? before : found;
}

const FURTHER_QUESTION = /\n\s*(?:\*\*)?(?:Q|Question|问题|问)(?: ?\d+)?\s*[:：]/;

function* findBoxed(text: string): Generator<MarkedAnswer> {
  if (!text.includes("box")) return;
  for (const { 0: opening, 1: bare, index } of text.matchAll(/\\(?:f?boxed|fbox)\s*(?:\{|([-+]?[\w.]+))/g)) {
    const from = index + opening.length;
    if (bare !== undefined) yield { kind: "boxed", text: bare, start: index, end: from };
    else {
      const end = findClosingBrace(text, from);
      if (end !== undefined) yield { kind: "boxed", text: text.slice(from, end), start: index, end: end + 1 };
    }
  }
}

/** The position of the brace that closes the one before `from`; undefined if there is none. */
export function findClosingBrace(text: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === "{") depth += 1;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return undefined;
}

function* findTags(text: string): Generator<MarkedAnswer> {
  if (!/[<_"]answer/i.test(text)) return;
  const tags =
    /<((?:final_?)?answer)>([\s\S]*?)<\/\1>|"(?:final_?)?answer"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?[\w.+-]+))/gi;
  for (const { 0: all, 2: tagged, 3: quoted, 4: bare, index } of text.matchAll(tags))
    yield { kind: "tag", text: tagged ?? quoted ?? bare ?? "", start: index, end: index + all.length };
}

/** Four number signs are also a Markdown heading, so only a number, or the last line of a text, is an answer. */
function* findHashes(text: string): Generator<MarkedAnswer> {
  if (!text.includes("####")) return;
  for (const { 0: all, 1: answer = "", index } of text.matchAll(/^####[ \t]*(\S[^\n]*)$/gm)) {
    const end = index + all.length;
    const isLast = text.slice(end).trim() === "" && answer.length <= 80 && !/[:：]$/.test(answer);
    if (isLast || /^[-+−]?[$€£¥]?[-+−]?[\d.][\d.,]*%?\s*$/.test(answer))
      yield { kind: "hash", text: answer, start: index, end };
  }
}

const ENGLISH_PHRASE = new RegExp(
  String.raw`(?<![\p{L}\p{N}_"<])(?:answers?|ans(?=\s*[:：.=])|(?:final|only|correct)\s+(?:result|solution)|solution(?=\s+(?:is|to|for)\s))` +
    String.raw`(?:[*_]*\s+(?:to|for|of|in)\s[^.\n:：=?!]{1,80}?)?[*_]*` +
    String.raw`(?:\s+(?:is|are|was|would\s+be|should\s+be|must\s+be|will\s+be|becomes|equals)(?![\p{L}'’])` +
    String.raw`(?:[\s,]+(?:therefore|thus|then|hence|indeed|simply|just|now|actually|clearly|again|still|definitely))*[\s,]*[:：]?|\s*[:：=])`,
  "giu",
);
const CHINESE_PHRASE =
  /(?<!错误|参考|标准)(?:答案|最终结果|最后结果)(?:不是[^。\n]{1,20}?[，,]?而是|(?:应该|应当|应|就|便|只能)?(?:是|为|选择|选|等于))?\s*[*_]*\s*(?<=[是为选择等于])[：:=]?|(?:答案|最终结果|最后结果)[*_]*\s*[：:=]|(?<![问回解作应对])答\s*[：:]|【(?:正确)?答案】/g;
/** The patterns are slow, and need not run without one of their words. */
const PHRASES = [
  [/ans|solution|result/i, ENGLISH_PHRASE],
  [/答|结果/, CHINESE_PHRASE],
] as const;
const HYPOTHETICAL =
  /(?:\b(?:if|whether|suppose|assuming|assume|unless|might|may|could|wrong|incorrect)\b[^.\n]*|(?:如果|假设|假如|倘若|若|是否|有人)[^。\n]*|n't\s+(?:say|think|believe)[^.\n]*)$/i;

function* findPhrases(text: string): Generator<MarkedAnswer> {
  for (const [word, pattern] of PHRASES) {
    if (!word.test(text)) continue;
    for (const { 0: marker, index } of text.matchAll(pattern)) {
      if (HYPOTHETICAL.test(text.slice(Math.max(0, index - 40), index))) continue;
      const from = index + marker.length;
      const { answer, end } = readClause(text, from);
      const positive = withoutNegation(answer);
      if (positive !== undefined && positive !== "") yield { kind: "phrase", text: positive, start: index, end };
    }
  }
}

const BEFORE_ANSWER = /[\s*_>`"“:：]*(?:\\\[|\$\$|\\begin\{[a-z]+\*?\})?\s*/y;
/** A full stop after an abbreviation does not end a sentence: "approx. 5". */
const SENTENCE_END =
  /\n|[!！?？。；;](?!\d)|(?<!\b(?:approx|ca|no|vs|fig|eq|e\.g|i\.e|mr|mrs|dr|st|est|min|max|avg|ans))\.(?=\s|$|[*_"”]|\\?\)?\s*\$?\s*$)/im;

/** The rest of the sentence, which may begin on a later line. */
function readClause(text: string, from: number): { readonly answer: string; readonly end: number } {
  BEFORE_ANSWER.lastIndex = from;
  const start = from + (BEFORE_ANSWER.exec(text)?.[0].length ?? 0);
  const rest = text.slice(start, start + 400);
  const end = SENTENCE_END.exec(rest)?.index ?? rest.length;
  return { answer: rest.slice(0, end).replace(/[\s*_`"”]+$/, ""), end: start + end };
}

/** "not 5 but 6" is 6; "not 5" is no answer. */
function withoutNegation(answer: string): string | undefined {
  if (!/^(?:(?:definitely|certainly|clearly|probably)\s+)?(?:not\b|neither\b|never\b|不是|并非|不)/i.test(answer))
    return answer;
  return /(?:\bbut(?:\s+rather)?|而是)\s*(.+)$/i.exec(answer)?.[1];
}
