import { countTokensUpTo, estimateTokens } from "./estimate-tokens.ts";
import { isInsideSurrogatePair, splitByCharacters } from "./hard-split.ts";
import { findHeadingsEnd, type HeadedSection, mergeBareHeadings } from "./markdown-sections.ts";

export interface ChunkLimits {
  /** Estimated tokens no chunk exceeds, unless it is a single character. */
  readonly tokens: number;
  /** Estimated tokens that neighbours cut from one section may share at most. */
  readonly overlap: number;
}

export interface Chunk {
  readonly text: string;
  readonly tokens: number;
  /** Headings the chunk's beginning stands under, outermost first; absent outside Markdown and before any heading. */
  readonly headings?: readonly string[];
}

/**
 * Splits a text into chunks, in order and as they are found. Markdown is cut at headings first, which stay with the
 * beginning of what they head, and small sections are kept together; what is longer than a chunk is cut at code fences, paragraphs, lines, sentences, clauses and
 * words, in this order. Every character that is not white space is in a chunk.
 */
export async function* chunkText(
  text: string,
  limits: ChunkLimits,
  structure: "markdown" | "plain",
): AsyncGenerator<Chunk> {
  const trimmed = text.trim();
  if (trimmed === "") return;
  const tokens = countTokensUpTo(trimmed, limits.tokens);
  if (tokens !== undefined) {
    const [first] = structure === "markdown" ? mergeBareHeadings(text) : [];
    yield withHeadings({ text: trimmed, tokens }, first?.headings);
    return;
  }
  if (structure === "plain") {
    yield* splitSection(text, limits, undefined);
    return;
  }
  for (const group of groupSections(text, mergeBareHeadings(text), limits.tokens)) {
    yield* chunkGroup(text.slice(group.section.start, group.section.end), limits, group);
  }
}

function withHeadings(chunk: Chunk, headings: readonly string[] = []): Chunk {
  return headings.length === 0 ? chunk : { ...chunk, headings };
}

/** Neighbouring sections that make one chunk, or one section that is too long for one. */
interface SectionGroup {
  readonly section: HeadedSection;
  /** Estimated tokens; exact while the group is one section; undefined when that is over the limit. */
  readonly tokens: number | undefined;
  readonly isSingle: boolean;
}

/**
 * Joins neighbouring sections that fit into one chunk together: always a heading's subsections, and its siblings
 * while the group is less than half full, so that short sections do not become tiny chunks.
 */
function* groupSections(text: string, sections: Iterable<HeadedSection>, limit: number): Generator<SectionGroup> {
  let group: SectionGroup | undefined;
  for (const section of sections) {
    const trimmed = text.slice(section.start, section.end).trim();
    const tokens = trimmed === "" ? 0 : countTokensUpTo(trimmed, limit);
    if (group?.tokens !== undefined && tokens !== undefined) {
      // One more for the blank line that is trimmed from a section but counts between two.
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

async function* chunkGroup(text: string, limits: ChunkLimits, group: SectionGroup): AsyncGenerator<Chunk> {
  const trimmed = text.trim();
  if (trimmed === "") return;
  const tokens = group.isSingle ? group.tokens : countTokensUpTo(trimmed, limits.tokens);
  if (tokens === undefined) yield* splitSection(text, limits, group.section);
  else yield withHeadings({ text: trimmed, tokens }, group.section.headings);
}

/** Headings stay with the beginning of what they head: the pieces leave room for them, and the first gets them. */
async function* splitSection(
  text: string,
  limits: ChunkLimits,
  section: HeadedSection | undefined,
): AsyncGenerator<Chunk> {
  let headingText = section === undefined ? "" : text.slice(0, findHeadingsEnd(text));
  const room = computeHeadingRoom(headingText, limits.tokens);
  if (room === 0) headingText = "";
  for (const block of splitIntoBlocks(text.slice(headingText.length))) {
    const split = await getBlockSplitter(headingText === "" ? limits : reserveRoom(limits, room));
    for (const piece of await split(block)) {
      const first = headingText === "" ? undefined : joinHeadings(text, headingText, piece, limits.tokens);
      if (first) yield withHeadings(first, section?.headings);
      else {
        if (headingText !== "") yield* splitToFit(headingText.trim(), limits.tokens, section?.headings);
        yield* splitToFit(piece, limits.tokens, section?.bodyHeadings);
      }
      headingText = "";
    }
  }
}

/** Splitters are kept, one for each size they make: room is given in steps. */
const ROOM_STEP = 8;

/** Tokens that pieces leave free for the headings before them; none for headings of half a chunk. */
function computeHeadingRoom(headingText: string, limit: number): number {
  const trimmed = headingText.trim();
  const tokens = trimmed === "" ? 0 : estimateTokens(trimmed);
  if (tokens === 0 || tokens > limit / 2) return 0;
  // One more for the blank line between.
  return Math.min(Math.ceil((tokens + 1) / ROOM_STEP) * ROOM_STEP, Math.floor(limit / 2));
}

function reserveRoom({ tokens, overlap }: ChunkLimits, room: number): ChunkLimits {
  return { tokens: tokens - room, overlap: Math.min(overlap, tokens - room - 1) };
}

/** The text from the headings to the end of the piece that follows them, when that fits and nothing lies between. */
function joinHeadings(text: string, headingText: string, piece: string, limit: number): Chunk | undefined {
  const start = headingText.length + text.slice(headingText.length).search(/\S/);
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

type SplitFunction = (text: string) => Promise<string[]>;
const splitters = new Map<string, Promise<SplitFunction>>();

/** The library is loaded when the first text is too long for one chunk; most commands never need it. */
function getBlockSplitter({ tokens, overlap }: ChunkLimits): Promise<SplitFunction> {
  const key = `${tokens}/${overlap}`;
  const known = splitters.get(key);
  if (known !== undefined) return known;
  const loading = import("./block-splitter.ts").then((module) => module.createBlockSplitter(tokens, overlap));
  splitters.set(key, loading);
  return loading;
}

/** Characters given to the splitter at once; it holds and measures every piece of what it is given. */
const BLOCK_CHARACTERS = 128 * 1024;

/** Cuts a very long text into blocks, at the last paragraph, line or word of each. */
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
  for (const mark of ["\n\n", "\n", "。", " "]) {
    const at = text.lastIndexOf(mark, most - mark.length);
    if (at >= least) return at + mark.length;
  }
  return isInsideSurrogatePair(text, most) ? most - 1 : most;
}
