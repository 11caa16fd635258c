import { InputError } from "#src/core/failures/errors.ts";

/** Characters of scripts without spaces between words. The tokenizer of SQLite would take a whole sentence as one word. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;
/** What the tokenizer `unicode61` takes as parts of words. */
const WORD_CHARACTER = /[\p{L}\p{N}\p{Co}]/u;
const TERM = /"([^"]*)"?|([^\s"]+)/g;

/** Prepares a text for the tokenizer: every character of a script without spaces becomes a word of its own. */
export function toIndexedText(text: string): string {
  return text.replaceAll(UNSPACED, " $& ");
}

/**
 * Converts what a user typed to an expression of FTS5 for one column. All words must occur; words inside quotes must
 * follow each other, and `*` at the end of a word matches every ending. Everything is quoted, so that the text is never
 * taken as syntax. Throws an InputError when it contains no word.
 */
export function toMatchExpression(text: string, column: "text" | "metadata"): string {
  const phrases = listTerms(text).map(({ term, isPrefix }) => `${quotePhrase(term)}${isPrefix ? " *" : ""}`);
  if (phrases.length > 0) return `{${column}} : (${phrases.join(" AND ")})`;
  throw new InputError("the text to search for contains no word", "--text");
}

/** The words and phrases of what a user typed. */
export function listTerms(text: string): { readonly term: string; readonly isPrefix: boolean }[] {
  return [...text.matchAll(TERM)].flatMap(([, quoted, word = ""]) => {
    const isPrefix = quoted === undefined && word.endsWith("*");
    const term = quoted ?? (isPrefix ? word.slice(0, -1) : word);
    return WORD_CHARACTER.test(term) ? { term, isPrefix } : [];
  });
}

/** An expression that every item with this metadata value matches; undefined when the index cannot find it. */
export function toMetadataExpression(value: string): string | undefined {
  // SQLite and JavaScript write long numbers differently.
  if (!WORD_CHARACTER.test(value) || (value.length > 15 && Number.isFinite(Number(value)))) return undefined;
  return `{metadata} : ${quotePhrase(value)}`;
}

function quotePhrase(term: string): string {
  return `"${toIndexedText(term).replaceAll(/["\0]/g, " ")}"`;
}
