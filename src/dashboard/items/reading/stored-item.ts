import type { ItemSummary } from "#src/dashboard/items/item-api.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";

/** An item with everything that its folder still contains about it. */
export interface StoredItem extends ItemSummary {
  /** The text of an embedding item, or the request of a chat item as JSON. */
  readonly text?: string;
  /** The call that gave the result. */
  readonly call?: RecordCall;
  /** Of a finished batch run: the response body from its output. */
  readonly answer?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** "provider/model" of a request that named its own. */
  readonly model?: string;
}
