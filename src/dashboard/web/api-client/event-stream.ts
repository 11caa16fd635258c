import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LiveEventName, LiveEvents } from "#src/dashboard/live/live-events.ts";
import type { ServerHealth } from "#src/dashboard/sampling/server-health.ts";
import { fetchSession, session } from "./session.ts";

/** State of the event stream. While it is disconnected, the page keeps trying to reconnect. */
export const connection = signal<
  { readonly state: "new" | "open" } | { readonly state: "disconnected"; readonly since: number }
>({ state: "new" });
export const health = signal<ServerHealth | undefined>(undefined);

export type EventStreamListeners = {
  readonly [Name in LiveEventName]?: (event: LiveEvents[Name]) => void;
} & {
  /** Called after each connect and reconnect; the server then sends everything from the beginning. */
  readonly open?: () => void;
};

const RETRY_INTERVAL_MS = 2_000;
/** The server sends an event every few seconds; a connection that is silent for longer is considered dead. */
const HEARTBEAT_TIMEOUT_MS = 30_000;

/**
 * Subscribes to the topics in `query` until the returned function is called. Reconnects automatically, even where the
 * browser gives up. Closes the connection while the page is hidden, because browsers allow only six per host.
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
    // The browser never retries a refused connection. Ask the server whether the session has ended.
    if (source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      fetchSession().then(() => {
        // The server answers: reconnect if signed in; otherwise the sign-in page appears.
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

/** Keeps an event stream open while the component is mounted; none while `query` is undefined. */
export function useEventStream(query: string | undefined, listeners: EventStreamListeners): void {
  useEffect(() => (query === undefined ? undefined : openEventStream(query, listeners)), [query]);
}
