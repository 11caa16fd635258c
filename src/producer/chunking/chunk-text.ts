import { estimateTokens, fitsTokens } from "./estimate-tokens.ts";
import { hardSplit, isInsidePair } from "./hard-split.ts";
import { markdownSections, type Section } from "./markdown-sections.ts";

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
 * Splits a text into chunks, in order and as they are found. Markdown is cut at headings first, and small sections
 * are kept together; what is longer than a chunk is cut at code fences, paragraphs, lines, sentences, clauses and
 * words, in this order. Every character that is not white space is in a chunk.
 */
export async function* chunkText(
  text: string,
  limits: ChunkLimits,
  structure: "markdown" | "plain",
): AsyncGenerator<Chunk> {
  if (fitsTokens(text, limits.tokens)) {
    const [first] = structure === "markdown" ? markdownSections(text) : [];
    yield* asChunk(text.trim(), first);
    return;
  }
  if (structure === "plain") {
    yield* chunkSection(text, limits, undefined);
    return;
  }
  for (const group of groupSections(text, markdownSections(text), limits.tokens)) {
    yield* chunkSection(text.slice(group.start, group.end), limits, group);
  }
}

function* asChunk(text: string, section: Section | undefined): Generator<Chunk> {
  if (text === "") return;
  const chunk = { text, tokens: estimateTokens(text) };
  const headings = section?.headings ?? [];
  yield headings.length === 0 ? chunk : { ...chunk, headings };
}

/**
 * Joins neighbouring sections that fit into one chunk together: always a heading's subsections, and its siblings
 * while the group is less than half full, so that short sections do not become tiny chunks.
 */
function* groupSections(text: string, sections: readonly Section[], limit: number): Generator<Section> {
  let group: Section | undefined;
  let groupTokens = 0;
  for (const section of sections) {
    const part = text.slice(section.start, section.end);
    // One more for the blank line that is trimmed from a section but counts between two.
    const tokens = fitsTokens(part, limit) ? estimateTokens(part.trim()) + 1 : limit + 1;
    if (group !== undefined) {
      const roomy = groupTokens < limit / 2 || section.level > group.level;
      if (groupTokens + tokens <= limit && roomy) {
        group = { ...group, end: section.end };
        groupTokens += tokens;
        continue;
      }
      yield group;
    }
    group = section;
    groupTokens = tokens;
  }
  if (group !== undefined) yield group;
}

async function* chunkSection(
  text: string,
  limits: ChunkLimits,
  section: Section | undefined,
): AsyncGenerator<Chunk> {
  if (fitsTokens(text, limits.tokens)) {
    yield* asChunk(text.trim(), section);
    return;
  }
  const split = await blockSplitter(limits);
  for (const block of cutBlocks(text)) {
    for (const piece of await split(block)) {
      for (const part of hardSplit(piece, limits.tokens)) yield* asChunk(part.trim(), section);
    }
  }
}

type Split = (text: string) => Promise<string[]>;
const splitters = new Map<string, Promise<Split>>();

/** The library is loaded when the first text is too long for one chunk; most commands never need it. */
function blockSplitter({ tokens, overlap }: ChunkLimits): Promise<Split> {
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
function* cutBlocks(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > BLOCK_CHARACTERS) {
    const end = blockEnd(text, start);
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}

function blockEnd(text: string, start: number): number {
  const most = start + BLOCK_CHARACTERS;
  const least = start + BLOCK_CHARACTERS / 2;
  for (const mark of ["\n\n", "\n", "。", " "]) {
    const at = text.lastIndexOf(mark, most - mark.length);
    if (at >= least) return at + mark.length;
  }
  return isInsidePair(text, most) ? most - 1 : most;
}
