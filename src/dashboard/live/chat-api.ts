/**
 *   GET /api/chats    viewer    -> LiveChats
 */

import type { FailureView } from "#src/dashboard/items/item-api.ts";

export interface LiveChat {
  /** Goes into ?chat= of the event stream; "run/index" for an item of a run, which is not followed. */
  readonly item: string;
  readonly model: string;
  readonly queue: string;
  readonly submittedAt?: number;
  readonly startedAt?: number;
  /** The attempt that is under way; of an item that was submitted on its own. */
  readonly attempt?: number;
  /** Answering: deltas of this attempt have come. Waiting: for a reservation, or for the first delta. Absent: not known. */
  readonly state?: "answering" | "waiting";
  /** Its deltas can be followed. */
  readonly isStreaming: boolean;
  /** Of a run's item: shown, but not followed. */
  readonly run?: string;
  readonly index?: number;
}

export interface LiveChats {
  readonly at: number;
  /** Items whose jobs workers hold at this moment: those that can be followed, then the others, newest first; at most 100. */
  readonly chats: readonly LiveChat[];
  /** Altogether; at least, where there are more than are shown. */
  readonly total: number;
  /** Upstream calls for chats under way at this moment, over all workers. */
  readonly answering?: number;
}

/** Deltas after the last `reset` give the text so far. Append as text nodes. */
export type LiveChatEvent =
  | {
      readonly item: string;
      readonly type: "text" | "reasoning" | "tools";
      readonly attempt: number;
      readonly delta: string;
    }
  | { readonly item: string; readonly type: "reset"; readonly attempt: number }
  /** The record is committed: the whole answer, or why there is none. */
  | {
      readonly item: string;
      readonly type: "end";
      readonly text?: string;
      readonly finishReason?: string;
      readonly failure?: FailureView;
    };
