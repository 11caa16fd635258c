import type { Failure } from "#src/core/item.ts";
import type { ChatResponse, RerankResponse } from "#src/providers/provider.ts";
import type { ItemOutcome } from "#src/state/items/item-store.ts";
import type { ChatRecord, EmbeddingRecord, RerankRecord } from "./sluice-client.ts";

const CANCELLED: Failure = { kind: "cancelled", message: "the item was cancelled" };

/** Converts the outcome of a chat item. */
export function toChatRecord({ records: [record] }: ItemOutcome): ChatRecord {
  if (!record) return { status: "failed", attempts: 0, failure: CANCELLED };
  const { attempts, failure, json } = record;
  return failure ? { status: "failed", attempts, failure } : { status: "ok", attempts, response: json as ChatResponse };
}

/** Converts the outcome of a rerank item. */
export function toRerankRecord({ records: [record] }: ItemOutcome): RerankRecord {
  if (!record) return { status: "failed", attempts: 0, failure: CANCELLED };
  const { attempts, failure, json } = record;
  return failure
    ? { status: "failed", attempts, failure }
    : { status: "ok", attempts, response: json as RerankResponse };
}

/** Converts the outcome of an embedding item, in the order of its inputs. */
export function toEmbeddingRecords({ records }: ItemOutcome): EmbeddingRecord[] {
  if (records.length === 0) return [{ status: "failed", attempts: 0, failure: CANCELLED }];
  return records.map(({ attempts, tokens, vector, failure }): EmbeddingRecord => {
    if (!vector) return { status: "failed", attempts, failure: failure ?? CANCELLED };
    // Copied, because a frame may start at any byte and a Float32Array must be aligned.
    return { status: "ok", attempts, tokens, vector: new Float32Array(new Uint8Array(vector).buffer) };
  });
}
