import { stripVTControlCharacters } from "node:util";

/**
 * Text from outside made safe for a terminal and for one line of it: escape sequences, control characters and marks
 * that change the direction of writing are gone, and every kind of line break or tab is one space.
 */
export function sanitize(text: string): string {
  return stripVTControlCharacters(text)
    .toWellFormed()
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
    .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** What may be half of something at the end of a piece: an escape sequence, or a character in two code units. */
const OPEN_END = /(?:(?![\n\t])\p{Cc}(?:\[[0-?]{0,32}[ -/]{0,8})?|[\ud800-\udbff])$/u;

/**
 * Makes a text that comes in pieces safe for a terminal and keeps its lines and tabs. What a piece leaves open is
 * held back until the next one; `end` gives what is left.
 */
export function createTextSanitizer(): { push(piece: string): string; end(): string } {
  let held = "";
  const clean = (text: string) =>
    stripVTControlCharacters(text)
      .toWellFormed()
      .replaceAll(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
      .replaceAll(/(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
  return {
    push(piece) {
      const text = held + piece;
      held = OPEN_END.exec(text)?.[0] ?? "";
      return clean(text.slice(0, text.length - held.length));
    },
    end() {
      const rest = clean(held);
      held = "";
      return rest;
    },
  };
}
