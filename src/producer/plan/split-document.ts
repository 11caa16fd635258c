import { chunkText } from "#src/producer/input/chunking/chunk-text.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import type { SourceDocument, SourceKind, SourceOptions } from "#src/producer/input/source.ts";
import type { PlannedItem } from "./planned-item.ts";

/** An item to be, or why a document cannot be one. */
export type PlannedItemResult = { readonly item: PlannedItem } | { readonly fault: string };

/**
 * The items of one document or record. With chunks, a document's are "<name>#0", "<name>#1" and so on; a record keeps
 * its id while it is one chunk. Without chunks there is exactly one item, refused when the model does not take it.
 */
export async function* splitIntoItems(
  document: SourceDocument,
  kind: SourceKind,
  { chunk, maxTokens }: Pick<SourceOptions, "chunk" | "maxTokens">,
): AsyncGenerator<PlannedItemResult> {
  if (document.parts !== undefined) {
    for (const [part, text] of document.parts.entries()) yield { item: createPartItem(document, part, text) };
    return;
  }
  if (chunk === undefined) {
    yield createWholeItem(document, maxTokens);
    return;
  }
  if (document.record) {
    const tokens = estimateTokens(document.text);
    if (tokens <= chunk.tokens) {
      yield { item: toItem(document, document.id, document.text, tokens) };
      return;
    }
  }
  let number = 0;
  for await (const part of chunkText(document.text, chunk, kind === "markdown" ? "markdown" : "plain")) {
    const item = toItem(document, `${document.id}#${number}`, part.text, part.tokens);
    yield {
      item: document.record ? item : { ...item, metadata: chunkMetadata(document, number, part.headings) },
    };
    number += 1;
  }
}

function createWholeItem(document: SourceDocument, maxTokens: number | undefined): PlannedItemResult {
  const tokens = estimateTokens(document.text);
  if (maxTokens === undefined || tokens <= maxTokens) {
    return { item: toItem(document, document.id, document.text, tokens) };
  }
  const id = truncateId(document.id);
  const reason = `has about ${tokens} tokens and the model takes ${maxTokens}`;
  return { fault: `item ${id} ${reason}; leave --no-chunk out to split it` };
}

/** Only the first part stands for the request's id; the others must merely not look like another request's. */
function createPartItem(document: SourceDocument, part: number, text: string): PlannedItem {
  const id = part === 0 ? document.id : `${document.id}\u0000${part}`;
  return { ...toItem(document, id, text, estimateTokens(text)), metadata: { ...document.metadata, part } };
}

function toItem({ metadata, line }: SourceDocument, id: string, text: string, tokens: number): PlannedItem {
  const item: PlannedItem = { id, text, tokens };
  const placed = line === undefined ? item : { ...item, line };
  return metadata === undefined ? placed : { ...placed, metadata };
}

function chunkMetadata(
  { metadata }: SourceDocument,
  chunk: number,
  headings: readonly string[] | undefined,
): Record<string, unknown> {
  const numbered = { ...metadata, chunk };
  return headings === undefined ? numbered : { ...numbered, headings };
}

const SHOWN_ID_CHARACTERS = 80;

/** An id for a message: quoted, and cut when it is very long. */
export function truncateId(id: string): string {
  return JSON.stringify(id.length > SHOWN_ID_CHARACTERS ? `${id.slice(0, SHOWN_ID_CHARACTERS)}…` : id);
}
