const ASCII = /^[ -~]*$/;
const NARROW_FORMS = /^[\uff61-\uffdc]/;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\ufe30-\ufe4f]|\ufe0f/u;
const INVISIBLE = /^[\p{M}\p{Default_Ignorable_Code_Point}]*$/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Terminal columns of a text without escape sequences: East Asian characters and emoji take two. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return !NARROW_FORMS.test(grapheme) && WIDE.test(grapheme) ? 2 : 1;
}

/** The text in at most `width` columns; truncated text ends with an ellipsis. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 1) return "";
  let result = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width - 1) break;
    result += segment;
  }
  return `${result.trimEnd()}…`;
}

/** Pads the text with spaces to `width` columns; longer text is unchanged. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const fill = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + fill : fill + text;
}
