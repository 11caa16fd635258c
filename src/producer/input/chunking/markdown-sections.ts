/** A stretch of a document from one heading to the next; sections together are the whole text. */
export interface Section {
  readonly start: number;
  readonly end: number;
  /** Level of the heading the section starts with, 1 to 6; 0 for text before the first heading. */
  readonly level: number;
  /** The headings the section stands under, outermost first, its own last. */
  readonly headings: readonly string[];
}

/** A section together with the headings right before its own that have no text of theirs. */
export interface HeadedSection extends Section {
  /** What the text below all its headings stands under. */
  readonly bodyHeadings: readonly string[];
}

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** Cuts Markdown before each heading line. A "#" inside a code fence is code, not a heading. */
export function splitMarkdownSections(text: string): Section[] {
  const sections: Section[] = [];
  let current: Section = { start: 0, end: 0, level: 0, headings: [] };
  let path: { level: number; title: string }[] = [];
  let fence: string | undefined;
  for (const { start, line } of linesOf(text)) {
    const fenceMark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (fenceMark !== undefined && closesFence(fence, fenceMark, line)) fence = undefined;
      continue;
    }
    if (fenceMark !== undefined) {
      fence = fenceMark;
      continue;
    }
    const heading = line.trimStart().startsWith("#") ? HEADING.exec(line) : null;
    if (heading === null) continue;
    const level = heading[1]?.length ?? 1;
    const title = heading[2]?.trim() ?? "";
    path = [...path.filter((above) => above.level < level), { level, title }];
    if (start > current.start) sections.push({ ...current, end: start });
    current = { start, end: start, level, headings: path.map((above) => above.title) };
  }
  sections.push({ ...current, end: text.length });
  return sections;
}

/**
 * The sections of a Markdown text, a heading without a text of its own together with the first of the sections below it:
 * alone, or at the end of what stands before it, it would say nothing of what it heads.
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

/** Where, behind the headings and blank lines that a section begins with, its text begins. */
export function findHeadingsEnd(section: string): number {
  for (const { start, line } of linesOf(section)) {
    if (line.trim() !== "" && !HEADING.test(line)) return start;
  }
  return section.length;
}

/** A fence ends with as many of the same marks and nothing behind them. */
function closesFence(opened: string, mark: string, line: string): boolean {
  return mark[0] === opened[0] && mark.length >= opened.length && line.trim() === mark;
}

function* linesOf(text: string): Generator<{ start: number; line: string }> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    yield { start, line: text.slice(start, text[end - 1] === "\r" && end > start ? end - 1 : end) };
    start = end + 1;
  }
}
