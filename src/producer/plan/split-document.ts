import { omitUndefined } from "#src/core/omit-undefined.ts";
import { Chunker } from "#src/producer/input/chunking/chunker.ts";
import { countTokensUpTo, estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { loadTokenCounter, TokenLimit } from "#src/producer/input/chunking/exact-tokens.ts";
import type { SourceDocument, SourceKind, SourceOptions } from "#src/producer/input/source.ts";
import type { PlannedItem } from "./planned-item.ts";

/** An item, or the reason why a document cannot become one. */
export type PlannedItemResult = { readonly item: PlannedItem } | { readonly error: string };

/** Creates the items of documents and records; one per plan. */
export class DocumentSplitter {
  readonly #options: SplitOptions;
  readonly #chunker: Chunker | undefined;
  readonly #limit: Promise<TokenLimit | undefined>;

  constructor(options: SplitOptions) {
    this.#options = options;
    this.#limit = createLimit(options);
    this.#chunker = options.chunk && new Chunker(options.chunk);
  }

  /**
   * Yields the items of one document or record. With chunking, the items of a document are "<name>#0", "<name>#1" and
   * so on; a record that fits into one chunk keeps its id. Without chunking there is exactly one item, or an error when
   * it is too long for the model.
   */
  async *split(document: SourceDocument, kind: SourceKind): AsyncGenerator<PlannedItemResult> {
    const { chunk, maxTokens } = this.#options;
    if (document.parts !== undefined) {
      for (const [part, text] of document.parts.entries()) yield { item: createPartItem(document, part, text) };
      return;
    }
    if (chunk === undefined || this.#chunker === undefined) {
      yield createWholeItem(document, maxTokens, await this.#limit);
      return;
    }
    const limit = await this.#limit;
    if (document.record) {
      const tokens = countTokensUpTo(document.text, chunk.tokens);
      const measured = tokens === undefined ? undefined : (limit?.measure(document.text, tokens) ?? tokens);
      const isTooLong = limit !== undefined && maxTokens !== undefined && (measured ?? 0) > maxTokens;
      if (measured !== undefined && !isTooLong) {
        yield { item: toItem(document, document.id, document.text, measured) };
        return;
      }
    }
    let number = 0;
    for await (const chunk of this.#chunker.split(document.text, kind === "markdown" ? "markdown" : "plain")) {
      for (const part of limit?.split(chunk.text, chunk.tokens) ?? [chunk]) {
        const item = toItem(document, `${document.id}#${number}`, part.text, part.tokens);
        yield {
          item: document.record ? item : { ...item, metadata: chunkMetadata(document, number, chunk.headings) },
        };
        number += 1;
      }
    }
  }
}

type SplitOptions = Pick<SourceOptions, "chunk" | "maxTokens" | "tokenizerModel">;

async function createLimit({ maxTokens, tokenizerModel }: SplitOptions): Promise<TokenLimit | undefined> {
  const count = maxTokens === undefined ? undefined : await loadTokenCounter(tokenizerModel);
  return count && maxTokens !== undefined ? new TokenLimit(count, maxTokens) : undefined;
}

function createWholeItem(
  document: SourceDocument,
  maxTokens: number | undefined,
  limit: TokenLimit | undefined,
): PlannedItemResult {
  const estimate = estimateTokens(document.text);
  const tokens = limit?.measure(document.text, estimate) ?? estimate;
  if (maxTokens === undefined || tokens <= maxTokens) {
    return { item: toItem(document, document.id, document.text, tokens) };
  }
  const id = truncateId(document.id);
  return {
    error: `item ${id} has about ${tokens} tokens, and the model accepts ${maxTokens}; remove --no-chunk to split it`,
  };
}

/** Only the first part has the request's id; the ids of the others only have to differ from those of other requests. */
function createPartItem(document: SourceDocument, part: number, text: string): PlannedItem {
  const id = part === 0 ? document.id : `${document.id}\u0000${part}`;
  const tokens = document.partTokens?.[part] ?? estimateTokens(text);
  return { ...toItem(document, id, text, tokens), metadata: { ...document.metadata, part } };
}

function toItem({ metadata, line }: SourceDocument, id: string, text: string, tokens: number): PlannedItem {
  return { id, text, tokens, line, metadata };
}

function chunkMetadata(
  { metadata }: SourceDocument,
  chunk: number,
  headings: readonly string[] | undefined,
): Record<string, unknown> {
  return omitUndefined({ ...metadata, chunk, headings });
}

const SHOWN_ID_CHARACTERS = 80;

/** Quotes an id for a message, and truncates a very long one. */
export function truncateId(id: string): string {
  return JSON.stringify(id.length > SHOWN_ID_CHARACTERS ? `${id.slice(0, SHOWN_ID_CHARACTERS)}…` : id);
}
