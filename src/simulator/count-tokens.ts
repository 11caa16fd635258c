/** The simulated tokenizer: a CJK character is a token, four other characters are one. At least 1. */
export function countTokens(text: string): number {
  let wide = 0;
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x2e80) wide += 1;
  }
  return Math.max(1, wide + Math.ceil((text.length - wide) / 4));
}
