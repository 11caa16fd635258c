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
