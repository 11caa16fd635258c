/**
 *   GET /api/events?...    viewer    server-sent events, see `LiveEvents`
 */

import type { ErrorBody } from "#src/dashboard/http/error-api.ts";
import type { LatestRecords } from "#src/dashboard/items/item-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import type { RunList, RunPage } from "#src/dashboard/runs/run-api.ts";
import type { ServerHealth } from "#src/dashboard/snapshot/server-health.ts";
import type { LiveChatEvent, LiveChats } from "./chat-api.ts";

/**
 * What a page wants to be told, as query of ONE stream per page: ?overview=1&runs=1&run=ID&records=ID&chat=ITEM&
 * chats=1, any of them together. `health` comes always. Each event comes at once after connecting, then when it has
 * changed, at most once a second (`chat`: as deltas come). EventSource reconnects by itself; a stream that is refused
 * (401, 404) ends for good: ask /api/session then. Close the stream while the page is hidden: a browser
 * opens only six connections to a host.
 *
 * `chat` shows what a model says and needs an operator; the others need a viewer.
 */
export interface LiveEvents {
  readonly health: ServerHealth;
  /** Whole, each time. */
  readonly overview: Overview;
  /** The newest runs, as GET /api/runs without a query gives. */
  readonly runs: RunList;
  /** Whole, each time. */
  readonly run: RunPage;
  /** The newest records of the run, newest last, each at most once per stream. */
  readonly records: LatestRecords;
  readonly chats: LiveChats;
  readonly chat: LiveChatEvent;
  /** The run or the chat asked for is not known, or not for this role; the other events go on. */
  readonly refused: ErrorBody & { readonly topic: "run" | "records" | "chat" };
}

export type LiveEventName = keyof LiveEvents;
