import type { Failure } from "../../core/item.ts";
import type { ChatResponse } from "../../providers/provider.ts";
import type { Partial } from "../../queue/partials.ts";

/** What `stream` yields; `id` is where a reader can go on from. */
export type StreamEvent =
  | { readonly id: string; readonly type: "delta"; readonly text: string }
  | { readonly id: string; readonly type: "reasoning-delta"; readonly text: string }
  | { readonly id: string; readonly type: "tool-call-delta"; readonly delta: unknown }
  /** The attempt has begun again: forget what came so far. */
  | { readonly id: string; readonly type: "reset" }
  /** The committed record. */
  | { readonly id: string; readonly type: "end"; readonly response: ChatResponse }
  | { readonly id: string; readonly type: "error"; readonly failure: Failure };

/**
 * Entries of the partials stream as events. Entries of an attempt that is over are dropped: a reader that starts in
 * the middle may meet some behind the reset that ended them.
 */
export function reduceStream(): (partial: Partial) => StreamEvent | undefined {
  let attempt = 0;
  return (partial) => {
    const { id } = partial;
    if (partial.type === "end") {
      const final = partial.final as { response?: ChatResponse; failure?: Failure };
      if (final.response) return { id, type: "end", response: final.response };
      return {
        id,
        type: "error",
        failure: final.failure ?? { kind: "bad-response", message: "the end says nothing" },
      };
    }
    if (partial.attempt < attempt) return undefined;
    attempt = partial.attempt;
    if (partial.type === "reset") return { id, type: "reset" };
    if (partial.type === "reasoning") return { id, type: "reasoning-delta", text: partial.delta };
    if (partial.type === "tools") return { id, type: "tool-call-delta", delta: JSON.parse(partial.delta) };
    return { id, type: "delta", text: partial.delta };
  };
}
