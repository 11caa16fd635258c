/** The text from one heading to the next; all sections together are the whole text. */
export interface Section {
  readonly start: number;
  readonly end: number;
  /** Level of the heading the section starts with, 1 to 6; 0 for text before the first heading. */
  readonly level: number;
  /** The headings that the section is under, outermost first, including its own. */
  readonly headings: readonly string[];
}

/** A section together with the headings directly before its own that have no text. */
export interface HeadedSection extends Section {
  /** The headings that the text after all these headings is under. */
  readonly bodyHeadings: readonly string[];
}

const HEADING_START = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** Splits Markdown before each heading. A "#" inside a code fence is not a heading. */
export function splitMarkdownSections(text: string): Section[] {
  const sections: Section[] = [];
  let current: Section = { start: 0, end: 0, level: 0, headings: [] };
  let path: { level: number; title: string }[] = [];
  let fence: string | undefined;
  for (const { start, line } of readLinesWithOffsets(text)) {
    const fenceMark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (fenceMark !== undefined && closesFence(fence, fenceMark, line)) fence = undefined;
      continue;
    }
    if (fenceMark !== undefined) {
      fence = fenceMark;
      continue;
    }
    const heading = parseHeading(line);
    if (heading === undefined) continue;
    const { level, title } = heading;
    path = [...path.filter((above) => above.level < level), { level, title }];
    if (start > current.start) sections.push({ ...current, end: start });
    current = { start, end: start, level, headings: path.map((above) => above.title) };
  }
  sections.push({ ...current, end: text.length });
  return sections;
}

/**
 * Yields the sections of a Markdown text. A heading without text is merged with the first section below it, because it
 * means nothing alone or at the end of the section before it.
 */
export function* mergeBareHeadings(text: string): Generator<HeadedSection> {
  let pendingHeading: Section | undefined;
  for (const section of splitMarkdownSections(text)) {
    if (pendingHeading !== undefined && section.level <= pendingHeading.level) {
      yield { ...pendingHeading, bodyHeadings: pendingHeading.headings };
      pendingHeading = undefined;
    }
    const joined: Section = pendingHeading === undefined ? section : { ...pendingHeading, end: section.end };
    const length = section.end - section.start;
    const isBare = section.level > 0 && findHeadingsEnd(text.slice(section.start, section.end)) === length;
    if (isBare) pendingHeading = joined;
    else {
      yield { ...joined, bodyHeadings: section.headings };
      pendingHeading = undefined;
    }
  }
  if (pendingHeading !== undefined) yield { ...pendingHeading, bodyHeadings: pendingHeading.headings };
}

/** Returns where the text of a section begins, after its headings and blank lines. */
export function findHeadingsEnd(section: string): number {
  for (const { start, line } of readLinesWithOffsets(section)) {
    if (line.trim() !== "" && parseHeading(line) === undefined) return start;
  }
  return section.length;
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

function* readLinesWithOffsets(text: string): Generator<{ start: number; line: string }> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    yield { start, line: text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end) };
    start = end + 1;
  }
}
