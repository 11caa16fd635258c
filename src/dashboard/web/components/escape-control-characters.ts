/** Control characters, and characters that change the direction of text. */
const INVISIBLE_CHARACTERS = /[\p{Cc}\p{Bidi_Control}]/gu;
const WHITESPACE = /^[\t\n\r]$/;

/** Replaces control characters by visible ones: "a\u202Eb" becomes "a[U+202E]b", and BEL becomes "␇". */
export function escapeControlCharacters(text: string): string {
  return text.replace(INVISIBLE_CHARACTERS, (character) => {
    const code = character.charCodeAt(0);
    if (WHITESPACE.test(character)) return character;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}
