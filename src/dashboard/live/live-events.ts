/**
 *   GET /api/events?...    viewer    server-sent events, see `LiveEvents`
 */

import type { ErrorBody } from "#src/dashboard/http/error-api.ts";
import type { LatestRecords } from "#src/dashboard/items/item-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import type { RunList, RunPage } from "#src/dashboard/runs/run-api.ts";
import type { ServerHealth } from "#src/dashboard/sampling/server-health.ts";
import type { LiveChatEvent, LiveChats } from "./chat-api.ts";

/**
 * The topics of a page, as the query of ONE stream per page: any of ?overview=1&runs=1&run=ID&records=ID&chat=ITEM&
 * chats=1. `health` is always sent. Each event is sent after connecting and then whenever it has changed, at most once
 * a second (`chat`: as deltas arrive). EventSource reconnects by itself, but not after the stream was refused (401,
 * 404): request /api/session then. Close the stream while the page is hidden, because browsers open only six
 * connections per host.
 *
 * `chat` contains model output and needs an operator; the others need a viewer.
 */
export interface LiveEvents {
  readonly health: ServerHealth;
  /** Complete each time. */
  readonly overview: Overview;
  /** The newest runs, as returned by GET /api/runs without a query. */
  readonly runs: RunList;
  /** Complete each time. */
  readonly run: RunPage;
  /** The newest records of the run, newest last; each is sent at most once per stream. */
  readonly records: LatestRecords;
  readonly chats: LiveChats;
  readonly chat: LiveChatEvent;
  /** The requested run or chat is unknown, or this role may not read it. The other events continue. */
  readonly refused: ErrorBody & { readonly topic: "run" | "records" | "chat" };
}

export type LiveEventName = keyof LiveEvents;
