import type { ItemSummary } from "./item-api.ts";

/** An item with what its folder still knows of it. */
export interface StoredItem extends ItemSummary {
  /** What was asked: the text of an embedding item, the request of a chat item as JSON. */
  readonly text?: string;
  /** Of a finished chat run: the answer's body, as its output has it. */
  readonly answer?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** "provider/model" of a request that named its own. */
  readonly model?: string;
}
