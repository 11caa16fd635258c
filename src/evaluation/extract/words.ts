const HAN_OR_KANA = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{M}\p{N}])+/gu;

/** The words of a text in lower case, without punctuation. Each Chinese or Japanese character is a word of its own. */
export function splitWords(text: string): string[] {
  return text.toLowerCase().match(WORDS) ?? [];
}

/** The words of a simplified text; each Chinese or Japanese character is a word of its own. */
export function splitAtSpaces(text: string): string[] {
  const spaced = HAN_OR_KANA.test(text) ? text.replace(new RegExp(HAN_OR_KANA, "gu"), " $& ") : text;
  return spaced.split(/\s+/).filter((word) => word !== "");
}
