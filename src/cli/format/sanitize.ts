import { stripVTControlCharacters } from "node:util";

/**
 * Makes external text safe for one line of a terminal: removes escape sequences, control characters and bidirectional
 * marks, and replaces line breaks and tabs by one space.
 */
export function sanitize(text: string): string {
  return stripVTControlCharacters(text)
    .toWellFormed()
    .replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
    .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** A possibly incomplete escape sequence or surrogate pair at the end of a piece. */
const OPEN_END = /(?:(?![\n\t])\p{Cc}(?:\[[0-?]{0,32}[ -/]{0,8})?|[\ud800-\udbff])$/u;

/**
 * Makes a streamed text safe for a terminal, and keeps its lines and tabs. An incomplete end of a piece is held back until
 * the next piece; `end` returns the rest.
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
