/** What turns the direction of a text round, or cannot be seen at all. */
const INVISIBLE_CHARACTERS = /[\p{Cc}\p{Bidi_Control}]/gu;
const WHITESPACE = /^[\t\n\r]$/;

/** The text with its control characters written out: "a\u202Eb" is "a[U+202E]b", and a bell its picture. */
export function escapeControlCharacters(text: string): string {
  return text.replace(INVISIBLE_CHARACTERS, (character) => {
    const code = character.charCodeAt(0);
    if (WHITESPACE.test(character)) return character;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}
