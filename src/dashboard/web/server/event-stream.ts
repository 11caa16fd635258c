import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LiveEventName, LiveEvents } from "#src/dashboard/live/live-events.ts";
import type { ServerHealth } from "#src/dashboard/snapshot/server-health.ts";
import { fetchSession, session } from "./session.ts";

/** The stream of events: lost means that the server does not answer, and is asked again and again. */
export const connection = signal<
  { readonly state: "new" | "open" } | { readonly state: "disconnected"; readonly since: number }
>({ state: "new" });
export const health = signal<ServerHealth | undefined>(undefined);

export type EventStreamListeners = {
  readonly [Name in LiveEventName]?: (event: LiveEvents[Name]) => void;
} & {
  /** Connected, for the first time or again: what was asked for begins anew. */
  readonly open?: () => void;
};

const RETRY_INTERVAL_MS = 2_000;
/** The server says something every few seconds; a link that is silent for longer is dead without knowing it. */
const HEARTBEAT_TIMEOUT_MS = 30_000;

/**
 * Follows what `query` asks for until the returned function is called. Connects again by itself, also where the
 * browser gives up; lets the connection go while the page is hidden, since a browser has only six of them.
 */
export function openEventStream(query: string, listeners: EventStreamListeners): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const resetHeartbeatTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(reconnect, HEARTBEAT_TIMEOUT_MS);
  };
  const reconnect = () => {
    source?.close();
    clearTimeout(timer);
    if (!isClosed && !document.hidden) connect();
  };
  const handleDisconnect = () => {
    if (connection.value.state !== "disconnected") connection.value = { state: "disconnected", since: Date.now() };
    // The browser has given up for good on a refusal; whether the session is over, the server says.
    if (source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      fetchSession().then(() => {
        // It does answer: whoever is signed out is asked to sign in, and the others go on.
        connection.value = { state: "new" };
        if (session.value?.role !== undefined) reconnect();
      }, reconnect);
    }, RETRY_INTERVAL_MS);
  };
  const connect = () => {
    source = new EventSource(`api/events?${query}`);
    source.onopen = () => {
      connection.value = { state: "open" };
      resetHeartbeatTimer();
      listeners.open?.();
    };
    source.onerror = handleDisconnect;
    source.addEventListener("health", (event) => {
      resetHeartbeatTimer();
      health.value = JSON.parse(event.data) as ServerHealth;
    });
    for (const [name, listener] of Object.entries(listeners)) {
      if (name === "open") continue;
      source.addEventListener(name, (event) => {
        resetHeartbeatTimer();
        (listener as (value: unknown) => void)(JSON.parse((event as MessageEvent<string>).data));
      });
    }
  };
  const onVisibility = () => {
    if (!document.hidden) return reconnect();
    clearTimeout(timer);
    source?.close();
  };
  document.addEventListener("visibilitychange", onVisibility);
  if (!document.hidden) connect();
  return () => {
    isClosed = true;
    clearTimeout(timer);
    source?.close();
    document.removeEventListener("visibilitychange", onVisibility);
  };
}

/** `openLive` for as long as the component is on the page and asks for the same. Nothing is asked while undefined. */
export function useEventStream(query: string | undefined, listeners: EventStreamListeners): void {
  useEffect(() => (query === undefined ? undefined : openEventStream(query, listeners)), [query]);
}
