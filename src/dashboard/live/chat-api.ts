/**
 *   GET /api/chats    viewer    -> LiveChats
 */

import type { FailureView } from "#src/dashboard/items/item-api.ts";

export interface LiveChat {
  /** For ?chat= of the event stream; "run/index" for an item of a run, which cannot be followed. */
  readonly item: string;
  readonly model: string;
  readonly queue: string;
  readonly submittedAt?: number;
  readonly startedAt?: number;
  /** The current attempt of a standalone item. */
  readonly attempt?: number;
  /** Answering: deltas of this attempt exist. Waiting: for a reservation or for the first delta. Absent: unknown. */
  readonly state?: "answering" | "waiting";
  /** Its deltas can be followed. */
  readonly isStreaming: boolean;
  /** For an item of a run, which is listed but cannot be followed. */
  readonly run?: string;
  readonly index?: number;
}

export interface LiveChats {
  readonly at: number;
  /** Items whose jobs workers hold now: first those that can be followed, then the others; newest first, at most 100. */
  readonly chats: readonly LiveChat[];
  /** The total; a lower bound when there are more chats than are shown. */
  readonly total: number;
  /** Upstream chat calls in flight over all workers. */
  readonly answering?: number;
}

/** The deltas after the last `reset` make up the text so far. Append them as text nodes. */
export type LiveChatEvent =
  | {
      readonly item: string;
      readonly type: "text" | "reasoning" | "tools";
      readonly attempt: number;
      readonly delta: string;
    }
  | { readonly item: string; readonly type: "reset"; readonly attempt: number }
  /** The record is committed: the complete answer, or the failure. */
  | {
      readonly item: string;
      readonly type: "end";
      readonly text?: string;
      readonly finishReason?: string;
      readonly failure?: FailureView;
    };
