import type { Failure } from "#src/core/item.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { PartialEntry } from "#src/state/items/partials.ts";

/** An event of `stream`; a reader can resume after its `id`. */
export type StreamEvent =
  | { readonly id: string; readonly type: "delta"; readonly text: string }
  | { readonly id: string; readonly type: "reasoning-delta"; readonly text: string }
  /** The signature of the reasoning so far, or its encrypted form; it is needed to send the reasoning back. */
  | { readonly id: string; readonly type: "reasoning-details"; readonly details: unknown }
  | { readonly id: string; readonly type: "tool-call-delta"; readonly delta: unknown }
  /** A new attempt has started: discard all earlier deltas. */
  | { readonly id: string; readonly type: "reset" }
  /**
   * The deltas since the last reset are the record's text: it has this length (UTF-16 code units) and this SHA-256
   * (of its UTF-8). `result` gives the record itself.
   */
  | {
      readonly id: string;
      readonly type: "end";
      readonly finishReason: ChatResponse["finishReason"];
      readonly usage: ChatResponse["usage"];
      readonly length: number;
      readonly sha256: string;
    }
  | { readonly id: string; readonly type: "error"; readonly failure: Failure };

type FinalPartial = Omit<Extract<StreamEvent, { type: "end" }>, "id" | "type">;

/**
 * Creates a function that converts entries of the partials stream to events. It drops entries of earlier attempts, which
 * a reader that starts in the middle may receive after the reset of the next attempt.
 */
export function createStreamReducer(): (partial: PartialEntry) => StreamEvent | undefined {
  let attempt = 0;
  return (partial) => {
    const { id } = partial;
    if (partial.type === "end") {
      const final = partial.final as FinalPartial | { failure: Failure };
      if ("failure" in final) return { id, type: "error", failure: final.failure };
      return { id, type: "end", ...final };
    }
    if (partial.attempt < attempt) return undefined;
    attempt = partial.attempt;
    if (partial.type === "reset") return { id, type: "reset" };
    if (partial.type === "reasoning") return { id, type: "reasoning-delta", text: partial.delta };
    if (partial.type === "details") return { id, type: "reasoning-details", details: JSON.parse(partial.delta) };
    if (partial.type === "tools") return { id, type: "tool-call-delta", delta: JSON.parse(partial.delta) };
    return { id, type: "delta", text: partial.delta };
  };
}
