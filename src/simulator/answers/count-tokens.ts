/**
 * The simulated tokenizer. A CJK character is one token, and four other characters are one token; a sequence of the same
 * punctuation mark or blank counts as one character, as in real tokenizers. At least 1.
 */
export function countTokens(text: string): number {
  let wide = 0;
  let narrow = 0;
  let last = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x2e80) wide += 1;
    else if (code !== last || isLetterOrDigit(code)) narrow += 1;
    last = code;
  }
  return Math.max(1, wide + Math.ceil(narrow / 4));
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code >= 0xc0;
}
