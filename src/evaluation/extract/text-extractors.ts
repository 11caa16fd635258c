import { findMarkedAnswers } from "./marked-answers.ts";

export const TEXT_EXTRACTORS = ["text", "answer", "code", "first-line", "last-line"] as const;
export type TextExtractor = (typeof TEXT_EXTRACTORS)[number];

/** The chosen part of a text; undefined if there is none. */
export function extractText(text: string, extractor: TextExtractor): string | undefined {
  if (extractor === "text") return text;
  if (extractor === "answer") return extractAnswer(text);
  if (extractor === "code") return extractCode(text);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return (extractor === "first-line" ? lines[0] : lines.at(-1))?.trim();
}

/** What follows the last "Answer:", "The answer is", "答案：", or "####", or is in the last `\boxed`, without Markdown. */
export function extractAnswer(text: string): string | undefined {
  const last = findMarkedAnswers(text).at(-1);
  return last && stripDecoration(last.kind === "phrase" ? last.text.replace(REASON, "") : last.text);
}

const REASON = /,?\s+(?:because|since|as it|which is)\b.*|[，,]?因为.*/;

/** Without emphasis, math delimiters, quotation marks around the whole, and a full stop at the end. */
export function stripDecoration(text: string): string {
  let [before, after] = ["", text.trim()];
  while (before !== after) {
    before = after;
    after = after
      .replace(/^(\*\*|__|\*|`+|\$\$?)([\s\S]*?)\1(?=[\s.。!！]*$)/, "$2")
      .replace(/^\\[([]([\s\S]*?)\\[)\]]$/, "$1")
      .replace(/^["“「『]([^"“”]*)["”」』]$/, "$1")
      .replace(/^['‘]([^'‘’]*)['’]$/, "$1")
      .replace(/^\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}$/, "$1")
      .replace(/(?<=[^.。])[.。]$/, "")
      .trim();
  }
  return after;
}

const CODE_BLOCK = /^[ \t]*(```+|~~~+)([^\n`]*)\n([\s\S]*?)(?:^[ \t]*\1[ \t]*$|(?![\s\S]))/gm;

/** The contents of the longest code block (shorter ones are usually examples), or the whole text if there is none. */
export function extractCode(text: string): string {
  let longest: string | undefined;
  for (const [, , , code = ""] of text.matchAll(CODE_BLOCK))
    if (longest === undefined || code.length >= longest.length) longest = code;
  return longest ?? text;
}
