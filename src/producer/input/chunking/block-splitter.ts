import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { countTokensUpTo } from "./estimate-tokens.ts";
import { findCutAfter, findCutBefore } from "./grapheme-cut.ts";
import { scanMarkdownBlocks } from "./markdown-blocks.ts";

/** Marks of fenced code; which of them open and close a block is decided by `splitAtFences`. */
const FENCES = ["```", "~~~"];
const CHINESE_SENTENCE_ENDS = ["。", "！", "？", "；"];
const CHINESE_CLAUSE_ENDS = ["，", "、", "："];
const SENTENCE_ENDS = [". ", "! ", "? ", "; "];

/** From the best separator to the worst. The library uses the first one that occurs in a text that is too long. */
const SEPARATORS = [
  ...FENCES,
  "\n\n",
  "\n",
  ...CHINESE_SENTENCE_ENDS,
  ...SENTENCE_ENDS,
  ...CHINESE_CLAUSE_ENDS,
  ", ",
  " ",
  "",
];

/**
 * Separators that stay with the text before them; the library would start the next chunk with a full stop. The
 * number of closing marks is limited, because each one is read again from every mark after it.
 */
const SPLIT_AFTER = new Map<string, RegExp>([
  ...CHINESE_SENTENCE_ENDS.map((mark) => [mark, /(?<=[。！？；][」』”’）》]{0,8})(?![。！？；」』”’）》])/] as const),
  ...CHINESE_CLAUSE_ENDS.map((mark) => [mark, /(?<=[，、：])/] as const),
  ...SENTENCE_ENDS.map((mark) => [mark, /(?<=[.!?;] )/] as const),
  [", ", /(?<=, )/],
]);

interface SplitLimits {
  readonly tokens: number;
  readonly overlap: number;
}

/** Maximum number of cached lengths; the library measures each piece several times. */
const MAX_CACHED_LENGTHS = 10_000;

/** The library's recursive splitter, extended to keep code fences, sentences and characters whole. */
class BlockSplitter extends RecursiveCharacterTextSplitter {
  readonly #maxUnsplitCharacters: number;

  constructor(tokens: number, overlap: number) {
    super({
      chunkSize: tokens,
      chunkOverlap: overlap,
      separators: SEPARATORS,
      keepSeparator: true,
      lengthFunction: createLengthFunction(tokens),
    });
    // A code unit has at most three tokens, so a piece of a word without separators is far below the limit.
    this.#maxUnsplitCharacters = Math.max(1, Math.floor(tokens / 4));
  }

  protected override splitOnSeparator(text: string, separator: string): string[] {
    const pieces = this.#split(text, separator);
    return separator === "" ? pieces : attachClosingTags(pieces);
  }

  #split(text: string, separator: string): string[] {
    if (separator === "") return splitEvery(text, this.#maxUnsplitCharacters);
    if (FENCES.includes(separator)) return splitAtFences(text);
    const splitAfter = SPLIT_AFTER.get(separator);
    if (splitAfter !== undefined) return text.split(splitAfter).filter((piece) => piece !== "");
    return super.splitOnSeparator(text, separator);
  }
}

/**
 * Creates a function that splits a text into chunks whose pieces have at most `tokens` in total. Adjacent chunks share
 * whole pieces of up to `overlap` tokens. Only white space at the ends of chunks is lost.
 */
export function createBlockSplitter({ tokens, overlap }: SplitLimits): (text: string) => Promise<string[]> {
  const splitter = new BlockSplitter(tokens, overlap);
  return (text) => splitter.splitText(text);
}

/** Measures pieces exactly up to the limit; for longer ones the splitter only needs to know that they are too long. */
function createLengthFunction(limit: number): (text: string) => number {
  const lengths = new Map<string, number>();
  return (text) => {
    const known = lengths.get(text);
    if (known !== undefined) return known;
    const length = countTokensUpTo(text, limit) ?? limit + 1;
    if (lengths.size >= MAX_CACHED_LENGTHS) lengths.clear();
    lengths.set(text, length);
    return length;
  };
}

/** Keeps each fenced code block, with its fences, and each text between two blocks as one piece. */
function splitAtFences(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const block of scanMarkdownBlocks(text)) {
    if (block.kind !== "fence") continue;
    // The line end stays with the fence, as other separators stay with what follows them.
    const open = Math.max(start, block.start - 1);
    if (open > start) pieces.push(text.slice(start, open));
    pieces.push(text.slice(open, block.end));
    start = block.end;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

/** Closing tags and blanks, which end what is in front of them. The numbers bound how often a character is read. */
const CLOSING_TAGS = /^(?:\s{0,8}<\/[\w:.-]{1,64}>)+|^\s+$/;

/** Moves closing tags at the start of a piece to the piece in front of it. */
function attachClosingTags(pieces: readonly string[]): string[] {
  const attached: string[] = [];
  for (const piece of pieces) {
    const tags = attached.length === 0 ? undefined : CLOSING_TAGS.exec(piece)?.[0];
    if (tags !== undefined) attached[attached.length - 1] += tags;
    const rest = tags === undefined ? piece : piece.slice(tags.length);
    if (rest !== "") attached.push(rest);
  }
  return attached;
}

function splitEvery(text: string, length: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const cut = findCutBefore(text, start + length);
    const end = cut > start ? cut : findCutAfter(text, start);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
