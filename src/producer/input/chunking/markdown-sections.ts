import { scanMarkdownBlocks } from "./markdown-blocks.ts";

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

/** Splits Markdown before each heading. A "#" inside a code fence is not a heading. */
export function splitMarkdownSections(text: string): Section[] {
  const sections: Section[] = [];
  let current: Section = { start: 0, end: 0, level: 0, headings: [] };
  let path: { level: number; title: string }[] = [];
  for (const { kind, start, level, title } of scanMarkdownBlocks(text)) {
    if (kind !== "heading") continue;
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
  for (const { kind, start } of scanMarkdownBlocks(section)) if (kind !== "heading") return start;
  return section.length;
}
