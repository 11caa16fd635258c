/** A stretch of a document from one heading to the next; sections together are the whole text. */
export interface Section {
  readonly start: number;
  readonly end: number;
  /** Level of the heading the section starts with, 1 to 6; 0 for text before the first heading. */
  readonly level: number;
  /** The headings the section stands under, outermost first, its own last. */
  readonly headings: readonly string[];
}

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** Cuts Markdown before each heading line. A "#" inside a code fence is code, not a heading. */
export function markdownSections(text: string): Section[] {
  const sections: Section[] = [];
  let current: Section = { start: 0, end: 0, level: 0, headings: [] };
  let path: { level: number; title: string }[] = [];
  let fence: string | undefined;
  for (const { start, line } of linesOf(text)) {
    const fenceMark = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (fenceMark !== undefined && closes(fence, fenceMark, line)) fence = undefined;
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

/** A fence ends with as many of the same marks and nothing behind them. */
function closes(opened: string, mark: string, line: string): boolean {
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
