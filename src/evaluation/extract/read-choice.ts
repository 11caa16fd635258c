import { findMarkedAnswers, LONGEST_TEXT } from "./marked-answers.ts";
import { normalizeAnswerText } from "./normalize.ts";
import { ambiguous, found, NOTHING_READ, type Reading } from "./reading.ts";
import { stripDecoration } from "./text-extractors.ts";

export interface ChoiceOptions {
  /** How many choices there are; the first is A. */
  readonly count: number;
  /** Whether several letters are one answer: "ACD". */
  readonly isMultiple: boolean;
  /** The texts of the choices, if they are known. */
  readonly texts?: readonly string[] | undefined;
}

/**
 * Reads the chosen letter (with `isMultiple` all letters, sorted): the last marked answer, statements such as "I choose B", "选B", or
 * "B is correct", a line with a letter only, or the only letter in the text. Articles ("A dog") and pronouns ("I") are no letters.
 */
export function readChoice(original: string, options: ChoiceOptions): Reading<string> {
  const text = normalizeLetters(original.slice(-LONGEST_TEXT));
  const marked = findMarkedAnswers(text);
  for (const answer of marked.toReversed()) {
    const reading = readSegment(answer.text, options);
    if (reading.status !== "none") return reading;
  }
  for (const read of [readWhole, readStatements, readLines, readLoneLetter, readTexts]) {
    const reading = read(text, options);
    if (reading.status !== "none") return reading;
  }
  return NOTHING_READ;
}

/** Full-width, circled, and Cyrillic letters become Latin ones, and Markdown and LaTeX decorations disappear. */
function normalizeLetters(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/(?<!\p{L})[АВСЕ](?!\p{L})/gu, (letter) => "ABCE"["АВСЕ".indexOf(letter)] ?? letter)
    .replace(/\\(?:text|textbf|mathrm|mathbf|mathbb|textit|bf)\s*\{([^{}]*)\}/g, "$1")
    .replace(/\*\*|__|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)|`|~~[^~\n]*~~/g, "")
    .replace(/\\[()[\]]|\$/g, "");
}

/** A letter that stands alone; A and I before a word in lower case are an article and a pronoun. */
const ALONE = String.raw`(?<![A-Za-zÀ-ɏ\p{N}'’_-]|[A-Za-z]\.)(?:([B-HJ-Z])|([AI])(?!\s(?!(?:is|because|since|as|and|or|but|was|would|seems|looks|matches|fits|correctly)\b)\p{Ll}))(?![A-Za-z0-9'’_+#]|-[A-Za-z])`;
const SEPARATOR = String.raw`[)\]）】]?\s*(?:[,，、;；/&|]|\b(?:and|or|nor|as well as)\b|和|或者?|与|及|以及|还是)+\s*(?:(?:and|option|choice|选项)\s*)?[([（【]?\s*`;
const LEAD = String.raw`^[\s"'“‘「(（\[【{<]*(?:(?:the|either|both|definitely|clearly|probably|most likely|likely)\s+)?(?:(?:options?|choices?|letters?|answers?|选项|选择|选)\s*[:：]?\s*)?[\s"'“‘(（\[【{<]*`;
const LEADING_LETTER = new RegExp(`${LEAD}${ALONE}`, "iu");
const LIST_AFTER = new RegExp(`^${SEPARATOR}${ALONE}`, "u");
const RUN_OF_LETTERS = new RegExp(`${LEAD}([A-Z]{2,10})(?![A-Za-z0-9])`, "u");

/** Reads what follows a marker, or is in a box. */
function readSegment(segment: string, options: ChoiceOptions): Reading<string> {
  const text = stripDecoration(segment);
  const byText = matchText(text, options);
  if (byText !== undefined) return found(byText);
  if (options.isMultiple) {
    const run = RUN_OF_LETTERS.exec(text)?.[1];
    if (run !== undefined && areLetters([...run], options)) return found(sortLetters([...run]));
  }
  const leading = LEADING_LETTER.exec(text);
  const letter = leading?.[1] ?? leading?.[2];
  if (leading && letter !== undefined && isAcceptedCase(letter, text) && isLetter(letter, options))
    return readList(letter.toUpperCase(), text.slice(leading[0].length), options);
  return readOnlyLetter(text, options);
}

/** A lower-case letter counts only alone, or in "(b)" or "b)". */
function isAcceptedCase(letter: string, text: string): boolean {
  return (
    /[A-Z]/.test(letter) ||
    /^[\s"'(（[{]*(?:(?:option|choice|letter)\s+)?[("'[{]*[a-z](?:[)\]}.:：、"']|\s*$)/i.test(text)
  );
}

/** "A and C": one answer of several letters, or unclear. */
function readList(first: string, rest: string, options: ChoiceOptions): Reading<string> {
  const letters = [first];
  let after = rest;
  for (let match = LIST_AFTER.exec(after); match; match = LIST_AFTER.exec(after)) {
    const letter = match[1] ?? match[2] ?? "";
    if (!isLetter(letter, options)) break;
    letters.push(letter);
    after = after.slice(match[0].length);
  }
  if (options.isMultiple) return found(sortLetters(letters));
  return new Set(letters).size === 1 ? found(first) : ambiguous(`several letters: ${letters.join(", ")}`);
}

/** The whole text is one choice: "B", "(b)", "B. Paris". */
function readWhole(text: string, options: ChoiceOptions): Reading<string> {
  const line = stripDecoration(text);
  if (line.includes("\n")) return NOTHING_READ;
  if (/^[("'[（【{]*[a-z][)"'\]）】}]*[.。:：]?$/i.test(line) || /^[(（[]?[A-Z][)）\].:：、]/.test(line)) {
    const letters = line.match(/(?<![\p{L}\p{N}])[(（[]?[A-Z][)）\].:：、]\s/gu) ?? [];
    if (letters.length > 1) return NOTHING_READ;
    return readSegment(line, options);
  }
  if (
    options.isMultiple &&
    /^(?:[A-Z]{2,10}|[(（]?[A-Z][)）]?(?:(?:[\s,，、;；/&]|and|和|与|及)+[(（]?[A-Z][)）]?)*)$/.test(line)
  )
    return readSegment(line, options);
  return NOTHING_READ;
}

const CHOSEN = new RegExp(
  String.raw`(?:\b(?:choose|chose|pick|select|selected|go(?:ing)?\s+with|went\s+with|opt\s+for|answer\s+with|correct\s+(?:option|choice|one|letter|statement)(?:\s+(?:here\s+)?(?:is|would\s+be|must\s+be|:))?|best\s+(?:option|choice)(?:\s+is)?|(?:option|choice)\s+is)|[故应因此所以我就只能]*(?<!不|能|可|备|多|单|候|不能|不应|不该)选(?:择|项)?(?:为|是|了)?)[\s:：]*(?:the\s+)?(?:(?:option|choice|letter|answer|选项)\s+)?["'“(（\[【]*` +
    ALONE,
  "giu",
);
const CORRECT = new RegExp(
  `${ALONE}${String.raw`["'”)）\]】.]*\s*(?:项|选项)?\s*(?:(?:is|was|must\s+be|would\s+be|seems|looks)\s+(?:therefore\s+|thus\s+|clearly\s+|definitely\s+)?(?:the\s+)?(?:only\s+)?(?:most\s+)?(?:correct|right|best|true|answer)\b|(?:才?是|为)?(?:唯一)?(?:正确|对的|符合题意|符合要求))`}`,
  "gu",
);

const CHOSEN_RUN =
  /(?:(?<![不能可备多单候])选(?:择|项)?(?:为|是|了)?|\b(?:choose|select|pick))[\s:：(（]*([A-Z]{2,10})(?![A-Za-z])/g;

/** "I choose B", "B is correct", "选B", "B项正确". */
function readStatements(text: string, options: ChoiceOptions): Reading<string> {
  const run = options.isMultiple ? [...text.matchAll(CHOSEN_RUN)].at(-1)?.[1] : undefined;
  if (run !== undefined && areLetters([...run], options)) return found(sortLetters([...run]));
  const matches = [CHOSEN, CORRECT]
    .flatMap((pattern) => text.matchAll(pattern).toArray())
    .map((match) => ({ letter: match[1] ?? match[2] ?? "", at: match.index, end: match.index + match[0].length }))
    .filter(
      ({ letter, at }) =>
        /[A-Z]/.test(letter) && isLetter(letter, options) && !isNegated(text.slice(Math.max(0, at - 24), at)),
    );
  const last = matches.sort((a, b) => a.at - b.at).at(-1);
  if (!last) return NOTHING_READ;
  // After "B is correct", other letters begin another statement.
  return readList(last.letter, text[last.end - 1] === last.letter ? text.slice(last.end) : "", options);
}

function isNegated(before: string): boolean {
  return /(?:\b(?:not|n't|never|if|neither|cannot|whether)\s+(?:\w+\s+)?|不应?该?|不能|如果|若|是否)$/i.test(before);
}

/** A line with nothing but a letter, the last one first; or a first line "B. Paris" before an explanation. */
function readLines(text: string, options: ChoiceOptions): Reading<string> {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  for (const line of [lines.at(-1), lines[0]])
    if (line !== undefined && /^["'“([（【]*[A-Z]["'”)\]）】]*[.。,，:：]?$/.test(line))
      return readSegment(line, options);
  const listed = lines.flatMap((line) => /^[([（]?([A-Z])[)\]）.:：、]\s*\S/.exec(line)?.[1] ?? []);
  return listed.length === 1 &&
    listed[0] !== undefined &&
    lines[0]?.match(/^[([（]?[A-Z][)\]）.:：、]/) &&
    isLetter(listed[0], options)
    ? found(listed[0])
    : NOTHING_READ;
}

const REJECTED = new RegExp(
  String.raw`(?:\b(?:[Nn]ot|[Ee]liminate[ds]?|[Rr]uled?s?\s+out|[Ee]xcludes?|[Rr]eject|rather\s+than|instead\s+of|[Uu]nlike)\s+(?:options?\s+|choices?\s+)?[(（]?|排除(?:了)?(?:选项)?\s*|(?:不是|而非|不选)\s*)(?:[A-Z](?![A-Za-z])[)）]?(?:\s*(?:,|、|and|or|和)\s*)?)+` +
    String.raw`|[(（]?(?<![A-Za-z])[A-Z](?![A-Za-z])[)）]?\s*(?:项|选项)?\s*(?:(?:is|are|was|seems)\s+(?:\w+\s+)?(?:wrong|incorrect|false|not\b|impossible|out\b|ruled\s+out)|isn't|(?:是)?(?:错误?的?|不正确|不对|不符))` +
    String.raw`|\b(?:If|Suppose|Assume|Assuming)\b[^.\n]*|(?:如果|假设|若)[^。\n]*`,
  "gu",
);

/** As `readOnlyLetter`, but "Plan B failed" has no choice: the letter is in brackets or ends a clause. */
function readLoneLetter(text: string, options: ChoiceOptions): Reading<string> {
  const reading = readOnlyLetter(text, options);
  if (reading.status !== "found") return reading;
  const isDelimited = new RegExp(
    `[(（[【"“]${reading.answer}[)）\\]】"”]|(?<![A-Za-z])${reading.answer}(?:[.。,，;；!！:：]|\\s*(?:\\n|$|[^\\p{L}\\p{N}\\s]))`,
    "u",
  );
  return isDelimited.test(text.replace(REJECTED, " ")) ? reading : NOTHING_READ;
}

/** The only letter in the text that is not rejected. */
function readOnlyLetter(text: string, options: ChoiceOptions): Reading<string> {
  const letters = new Set<string>();
  for (const match of text.replace(REJECTED, " ").matchAll(new RegExp(ALONE, "gu"))) {
    const letter = match[1] ?? match[2] ?? "";
    if (isLetter(letter, options)) letters.add(letter);
  }
  const [only] = letters;
  if (only === undefined) return NOTHING_READ;
  if (letters.size > 1) return ambiguous(`several letters: ${[...letters].join(", ")}`);
  return found(only);
}

/** The only choice whose text occurs in the answer. */
function readTexts(text: string, { texts = [] }: ChoiceOptions): Reading<string> {
  const answer = normalizeAnswerText(text).toLowerCase();
  const included = texts
    .map((choice) => normalizeAnswerText(choice).toLowerCase())
    .flatMap((choice, i) => (containsPhrase(answer, choice) ? [i] : []));
  const [only] = included;
  if (only === undefined) return NOTHING_READ;
  return included.length === 1 ? found(letterAt(only)) : ambiguous("the text names several choices");
}

function containsPhrase(text: string, phrase: string): boolean {
  if (phrase === "") return false;
  const at = text.indexOf(phrase);
  if (at === -1) return false;
  const isWord = (character: string | undefined) => character !== undefined && /[a-z0-9]/.test(character);
  return !(isWord(text[at - 1]) && isWord(phrase[0])) && !(isWord(text[at + phrase.length]) && isWord(phrase.at(-1)));
}

function matchText(text: string, { texts = [] }: ChoiceOptions): string | undefined {
  const simple = normalizeAnswerText(text).toLowerCase();
  const index = texts.findIndex((choice) => normalizeAnswerText(choice).toLowerCase() === simple);
  return index === -1 ? undefined : letterAt(index);
}

function letterAt(index: number): string {
  return String.fromCharCode(65 + index);
}

function isLetter(letter: string, { count }: ChoiceOptions): boolean {
  const index = letter.toUpperCase().charCodeAt(0) - 65;
  return index >= 0 && index < count;
}

function areLetters(letters: readonly string[], options: ChoiceOptions): boolean {
  return letters.every((letter) => isLetter(letter, options)) && new Set(letters).size === letters.length;
}

function sortLetters(letters: readonly string[]): string {
  return [...new Set(letters)].sort().join("");
}
