import { countTokensUpTo, estimateTokens } from "./estimate-tokens.ts";
import { findCutBefore } from "./grapheme-cut.ts";
import { splitByCharacters } from "./hard-split.ts";
import { findHeadingsEnd, type HeadedSection, mergeBareHeadings } from "./markdown-sections.ts";

export interface ChunkLimits {
  /** Maximum estimated tokens of a chunk; only a single character may exceed it. */
  readonly tokens: number;
  /** Maximum estimated tokens that adjacent chunks of one section share. */
  readonly overlap: number;
}

export interface Chunk {
  readonly text: string;
  readonly tokens: number;
  /** Headings at the start of the chunk, outermost first; undefined outside Markdown and before the first heading. */
  readonly headings?: readonly string[];
}

type BlockSplit = (text: string) => Promise<string[]>;

/** Splits texts into chunks. Create one per plan: it keeps its splitters, and they keep the lengths of pieces. */
export class Chunker {
  readonly #limits: ChunkLimits;
  /** Splitters by the tokens that they leave free for headings: multiples of `ROOM_STEP` up to half a chunk. */
  readonly #splitters = new Map<number, BlockSplit>();

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  /**
   * Splits a text into chunks and yields them in order. Markdown is split at headings first: a heading stays with the
   * start of its section, and small sections are kept together. Longer text is split at code fences, paragraphs, lines,
   * sentences, clauses and words, in this order. Every character that is not white space is in a chunk.
   */
  async *split(text: string, structure: "markdown" | "plain"): AsyncGenerator<Chunk> {
    const trimmed = text.trim();
    if (trimmed === "") return;
    const tokens = countTokensUpTo(trimmed, this.#limits.tokens);
    if (tokens !== undefined) {
      const [first] = structure === "markdown" ? mergeBareHeadings(text) : [];
      yield withHeadings({ text: trimmed, tokens }, first?.headings);
      return;
    }
    if (structure === "plain") {
      yield* this.#splitSection(text, undefined);
      return;
    }
    for (const group of groupSections(text, mergeBareHeadings(text), this.#limits.tokens)) {
      yield* this.#splitGroup(text.slice(group.section.start, group.section.end), group);
    }
  }

  async *#splitGroup(text: string, group: SectionGroup): AsyncGenerator<Chunk> {
    const trimmed = text.trim();
    if (trimmed === "") return;
    const tokens = group.isSingle ? group.tokens : countTokensUpTo(trimmed, this.#limits.tokens);
    if (tokens === undefined) yield* this.#splitSection(text, group.section);
    else yield withHeadings({ text: trimmed, tokens }, group.section.headings);
  }

  /** Splits a section so that its headings stay with its start: pieces leave room, and the first contains them. */
  async *#splitSection(text: string, section: HeadedSection | undefined): AsyncGenerator<Chunk> {
    const limit = this.#limits.tokens;
    let headingText = section === undefined ? "" : text.slice(0, findHeadingsEnd(text));
    const room = computeHeadingRoom(headingText, limit);
    if (room === 0) headingText = "";
    for (const block of splitIntoBlocks(text.slice(headingText.length))) {
      const splitBlock = await this.#getSplitter(headingText === "" ? 0 : room);
      for (const piece of await splitBlock(block)) {
        const first = headingText === "" ? undefined : joinHeadings(text, headingText, piece, limit);
        if (first) yield withHeadings(first, section?.headings);
        else {
          if (headingText !== "") yield* splitToFit(headingText.trim(), limit, section?.headings);
          yield* splitToFit(piece, limit, section?.bodyHeadings);
        }
        headingText = "";
      }
    }
  }

  async #getSplitter(room: number): Promise<BlockSplit> {
    const known = this.#splitters.get(room);
    if (known !== undefined) return known;
    // Loaded for the first text that is too long for one chunk; most commands do not need the library.
    const { createBlockSplitter } = await import("./block-splitter.ts");
    const splitter = createBlockSplitter(reserveRoom(this.#limits, room));
    this.#splitters.set(room, splitter);
    return splitter;
  }
}

function withHeadings(chunk: Chunk, headings: readonly string[] = []): Chunk {
  return { ...chunk, headings: headings.length === 0 ? undefined : headings };
}

/** Adjacent sections that form one chunk, or one section that is too long for a chunk. */
interface SectionGroup {
  readonly section: HeadedSection;
  /** Estimated tokens; an upper bound for several sections; undefined for one section above the limit. */
  readonly tokens: number | undefined;
  readonly isSingle: boolean;
}

/**
 * Joins adjacent sections that fit into one chunk: subsections always, and siblings while the group is less than half
 * full, so that short sections do not become tiny chunks.
 */
function* groupSections(text: string, sections: Iterable<HeadedSection>, limit: number): Generator<SectionGroup> {
  let group: SectionGroup | undefined;
  for (const section of sections) {
    const trimmed = text.slice(section.start, section.end).trim();
    const tokens = trimmed === "" ? 0 : countTokensUpTo(trimmed, limit);
    if (group?.tokens !== undefined && tokens !== undefined) {
      // One token for the blank line between two sections, which is trimmed from each.
      const together = group.tokens + 1 + tokens;
      const hasRoom = group.tokens < limit / 2 || section.level > group.section.level;
      if (together <= limit && hasRoom) {
        group = { section: { ...group.section, end: section.end }, tokens: together, isSingle: false };
        continue;
      }
    }
    if (group !== undefined) yield group;
    group = { section, tokens, isSingle: true };
  }
  if (group !== undefined) yield group;
}

/** Room for headings is rounded up to a multiple of this; it determines where chunks end, so it must not change. */
const ROOM_STEP = 8;

/** Computes the tokens that pieces leave free for their headings; 0 for headings of more than half a chunk. */
function computeHeadingRoom(headingText: string, limit: number): number {
  const trimmed = headingText.trim();
  const tokens = trimmed === "" ? 0 : estimateTokens(trimmed);
  if (tokens === 0 || tokens > limit / 2) return 0;
  // One token for the blank line in between.
  return Math.min(Math.ceil((tokens + 1) / ROOM_STEP) * ROOM_STEP, Math.floor(limit / 2));
}

function reserveRoom({ tokens, overlap }: ChunkLimits, room: number): ChunkLimits {
  return { tokens: tokens - room, overlap: Math.min(overlap, tokens - room - 1) };
}

/** Joins the headings and the piece that directly follows them; undefined if they do not fit into one chunk. */
function joinHeadings(text: string, headingText: string, piece: string, limit: number): Chunk | undefined {
  const start = text.length - text.slice(headingText.length).trimStart().length;
  if (!text.startsWith(piece, start)) return undefined;
  const joined = text.slice(0, start + piece.length).trim();
  const tokens = countTokensUpTo(joined, limit);
  return tokens === undefined ? undefined : { text: joined, tokens };
}

function* splitToFit(piece: string, limit: number, headings: readonly string[] | undefined): Generator<Chunk> {
  const tokens = countTokensUpTo(piece, limit);
  if (tokens !== undefined) yield withHeadings({ text: piece, tokens }, headings);
  else yield* splitChunkByCharacters(piece, limit, headings);
}

function* splitChunkByCharacters(
  text: string,
  limit: number,
  headings: readonly string[] | undefined,
): Generator<Chunk> {
  for (const part of splitByCharacters(text, limit)) {
    const trimmed = part.trim();
    if (trimmed !== "") yield withHeadings({ text: trimmed, tokens: estimateTokens(trimmed) }, headings);
  }
}

/** Characters passed to the splitter at once; it keeps and measures every piece of its text. */
const BLOCK_CHARACTERS = 128 * 1024;

/** Splits a very long text into blocks, at the end of the last paragraph, line, sentence or word of each. */
function* splitIntoBlocks(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > BLOCK_CHARACTERS) {
    const end = findBlockEnd(text, start);
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}

function findBlockEnd(text: string, start: number): number {
  const most = start + BLOCK_CHARACTERS;
  const least = start + BLOCK_CHARACTERS / 2;
  // Only this part is searched: a text without a mark would be read from its start for every block.
  const part = text.slice(least, most);
  for (const mark of ["\n\n", "\n", "。", " "]) {
    const at = part.lastIndexOf(mark);
    if (at !== -1) return least + at + mark.length;
  }
  return findCutBefore(text, most);
}
