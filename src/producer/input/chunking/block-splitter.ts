import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { countTokensUpTo } from "./estimate-tokens.ts";
import { isInsideSurrogatePair } from "./hard-split.ts";

const FENCE = "\n```";
const CHINESE_SENTENCE_ENDS = ["。", "！", "？", "；"];
const CHINESE_CLAUSE_ENDS = ["，", "、", "："];
const SENTENCE_ENDS = [". ", "! ", "? ", "; "];

/** From the best place to cut to the worst. The library takes the first that occurs in what is still too long. */
const SEPARATORS = [
  FENCE,
  "\n\n",
  "\n",
  ...CHINESE_SENTENCE_ENDS,
  ...SENTENCE_ENDS,
  ...CHINESE_CLAUSE_ENDS,
  ", ",
  " ",
  "",
];

/** Cuts that belong behind their mark; the library's own cut is before it and would start a chunk with a full stop. */
const SPLIT_AFTER = new Map<string, RegExp>([
  ...CHINESE_SENTENCE_ENDS.map((mark) => [mark, /(?<=[。！？；][」』”’）》]*)(?![。！？；」』”’）》])/] as const),
  ...CHINESE_CLAUSE_ENDS.map((mark) => [mark, /(?<=[，、：])/] as const),
  ...SENTENCE_ENDS.map((mark) => [mark, /(?<=[.!?;] )/] as const),
  [", ", /(?<=, )/],
]);

/** Lengths remembered between two blocks; the library asks for each piece several times. */
const MAX_MEMOIZED = 10_000;

/** The library's recursive splitter with cuts of our own: whole code fences, sentence ends, whole characters. */
class BlockSplitter extends RecursiveCharacterTextSplitter {
  readonly #maxUnsplitCharacters: number;

  constructor(tokens: number, overlap: number) {
    super({
      chunkSize: tokens,
      chunkOverlap: overlap,
      separators: SEPARATORS,
      keepSeparator: true,
      lengthFunction: memoizeLength(tokens),
    });
    // At most two tokens a character, so that an atom of a word without any separator is far below the limit.
    this.#maxUnsplitCharacters = Math.max(1, Math.floor(tokens / 4));
  }

  protected override splitOnSeparator(text: string, separator: string): string[] {
    if (separator === "") return splitEvery(text, this.#maxUnsplitCharacters);
    if (separator === FENCE) return splitAtFences(text);
    const behind = SPLIT_AFTER.get(separator);
    if (behind !== undefined) return text.split(behind).filter((piece) => piece !== "");
    return super.splitOnSeparator(text, separator);
  }
}

/**
 * Splits a text into chunks of at most `tokens` as summed over their pieces, neighbours sharing whole pieces of up
 * to `overlap` tokens. Nothing but white space at the ends of chunks is lost.
 */
export function createBlockSplitter(tokens: number, overlap: number): (text: string) => Promise<string[]> {
  const splitter = new BlockSplitter(tokens, overlap);
  return (text) => splitter.splitText(text);
}

/** Exact for pieces below the limit; beyond it, "too long" is all the splitter needs to know. */
function memoizeLength(limit: number): (text: string) => number {
  const lengths = new Map<string, number>();
  return (text) => {
    const known = lengths.get(text);
    if (known !== undefined) return known;
    const length = countTokensUpTo(text, limit) ?? limit + 1;
    if (lengths.size >= MAX_MEMOIZED) lengths.clear();
    lengths.set(text, length);
    return length;
  };
}

/** Code between fences stays one piece with its fences, prose between them another. */
function splitAtFences(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    const open = text.indexOf(FENCE, start);
    if (open === -1) break;
    const close = text.indexOf(FENCE, open + FENCE.length);
    if (open > start) pieces.push(text.slice(start, open));
    if (close === -1) {
      start = open;
      break;
    }
    const lineEnd = text.indexOf("\n", close + FENCE.length);
    const end = lineEnd === -1 ? text.length : lineEnd;
    pieces.push(text.slice(open, end));
    start = end;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

function splitEvery(text: string, length: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(text.length, start + length);
    if (isInsideSurrogatePair(text, end)) end += 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
