/** A part of a Markdown text: a heading, or any other line or lines. Blank lines are in no block. */
export interface MarkdownBlock {
  readonly kind: "heading" | "fence" | "text";
  readonly start: number;
  readonly end: number;
  /** Level and title of a heading. */
  readonly level: number;
  readonly title: string;
}

const HEADING_START = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
/** A backtick after the opening ones makes the line inline code, as in ```code```. */
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const SETEXT_UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
/** Starts of lines that an underline does not make a heading: lists, quotes, tables, HTML, and indented code. */
const NO_PARAGRAPH = /^(?: {0,3}(?:[>|<]|(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$))| {4}|\t)/;

/** Yields the headings, fenced code blocks, and other text of Markdown in order. */
export function* scanMarkdownBlocks(text: string): Generator<MarkdownBlock> {
  let fence: { readonly mark: string; readonly start: number } | undefined;
  /** The lines since the last blank line; an underline turns them into a heading. */
  let paragraph: { readonly start: number; readonly end: number } | undefined;
  let canBeHeading = true;
  const other = (kind: "fence" | "text", start: number, end: number) => ({ kind, start, end, level: 0, title: "" });
  const frontMatterEnd = findFrontMatterEnd(text);
  if (frontMatterEnd > 0) yield other("text", 0, frontMatterEnd);
  for (const { start, end, line } of readLinesWithOffsets(text, frontMatterEnd)) {
    const fenceMark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (fenceMark === undefined || !closesFence(fence.mark, fenceMark, line)) continue;
      yield other("fence", fence.start, end);
      fence = undefined;
      continue;
    }
    const level = paragraph && canBeHeading ? findUnderlineLevel(line) : undefined;
    const heading = level === undefined ? parseHeading(line) : undefined;
    if (paragraph && level !== undefined) {
      const title = truncateTitle(joinLines(text.slice(paragraph.start, paragraph.end)));
      yield { kind: "heading", start: paragraph.start, end, level, title };
      paragraph = undefined;
      continue;
    }
    const isBlank = line.trim() === "";
    if (paragraph && (isBlank || heading !== undefined || fenceMark !== undefined)) {
      yield other("text", paragraph.start, paragraph.end);
      paragraph = undefined;
    }
    if (fenceMark !== undefined) fence = { mark: fenceMark, start };
    else if (heading !== undefined) yield { kind: "heading", start, end, ...heading };
    else if (!isBlank) {
      if (paragraph === undefined && SETEXT_UNDERLINE.test(line)) yield other("text", start, end);
      else {
        canBeHeading = (paragraph === undefined || canBeHeading) && !NO_PARAGRAPH.test(line);
        paragraph = { start: paragraph?.start ?? start, end };
      }
    }
  }
  if (paragraph) yield other("text", paragraph.start, paragraph.end);
  if (fence) yield other("fence", fence.start, text.length);
}

/** Returns the end of the YAML between two lines of "---" at the start of a file, or 0. */
function findFrontMatterEnd(text: string): number {
  if (!/^---[ \t]*\r?\n/.test(text)) return 0;
  const close = /\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text);
  return close === null ? 0 : close.index + close[0].length;
}

function findUnderlineLevel(line: string): number | undefined {
  const mark = SETEXT_UNDERLINE.exec(line)?.[1];
  if (mark === undefined) return undefined;
  return mark.startsWith("=") ? 1 : 2;
}

function joinLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .join(" ");
}

/** Parses "## Title ##". In steps, because one expression for the whole line needs quadratic time for long blanks. */
function parseHeading(line: string): { level: number; title: string } | undefined {
  const start = HEADING_START.exec(line);
  if (start === null) return undefined;
  const text = line.slice(start[0].length).trim();
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  const hasClosingMarks = end === 0 || text[end - 1] === " " || text[end - 1] === "\t";
  const title = hasClosingMarks ? text.slice(0, end).trim() : text;
  return { level: start[1]?.length ?? 1, title: truncateTitle(title) };
}

/** Every chunk of a section repeats its titles, so a line of text that is marked as a heading must not be a title. */
const MAX_TITLE_CHARACTERS = 300;

function truncateTitle(title: string): string {
  if (title.length <= MAX_TITLE_CHARACTERS) return title;
  return `${title.slice(0, MAX_TITLE_CHARACTERS).toWellFormed()}…`;
}

/** A fence is closed by at least as many of the same marks with nothing after them. */
function closesFence(opened: string, mark: string, line: string): boolean {
  return mark[0] === opened[0] && mark.length >= opened.length && line.trim() === mark;
}

function* readLinesWithOffsets(text: string, from: number): Generator<{ start: number; end: number; line: string }> {
  for (let start = from; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    yield { start, end, line: text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end) };
    start = end + 1;
  }
}
