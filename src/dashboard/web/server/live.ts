import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LiveEventName, LiveEvents, ServerHealth } from "../../contract.ts";
import { readSession, session } from "./session.ts";

/** The stream of events: lost means that the server does not answer, and is asked again and again. */
export const link = signal<
  { readonly state: "new" | "open" } | { readonly state: "lost"; readonly since: number }
>({ state: "new" });
export const health = signal<ServerHealth | undefined>(undefined);

export type LiveListeners = {
  readonly [Name in LiveEventName]?: (event: LiveEvents[Name]) => void;
} & {
  /** Connected, for the first time or again: what was asked for begins anew. */
  readonly open?: () => void;
};

const AGAIN_MS = 2_000;
/** The server says something every few seconds; a link that is silent for longer is dead without knowing it. */
const SILENT_MS = 30_000;

/**
 * Follows what `query` asks for until the returned function is called. Connects again by itself, also where the
 * browser gives up; lets the connection go while the page is hidden, since a browser has only six of them.
 */
export function openLive(query: string, listeners: LiveListeners): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(again, SILENT_MS);
  };
  const again = () => {
    source?.close();
    clearTimeout(timer);
    if (!ended && !document.hidden) connect();
  };
  const lost = () => {
    if (link.value.state !== "lost") link.value = { state: "lost", since: Date.now() };
    // The browser has given up for good on a refusal; whether the session is over, the server says.
    if (source?.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      readSession().then(() => {
        // It does answer: whoever is signed out is asked to sign in, and the others go on.
        link.value = { state: "new" };
        if (session.value?.role !== undefined) again();
      }, again);
    }, AGAIN_MS);
  };
  const connect = () => {
    source = new EventSource(`api/events?${query}`);
    source.onopen = () => {
      link.value = { state: "open" };
      heard();
      listeners.open?.();
    };
    source.onerror = lost;
    source.addEventListener("health", (event) => {
      heard();
      health.value = JSON.parse(event.data) as ServerHealth;
    });
    for (const [name, listener] of Object.entries(listeners)) {
      if (name === "open") continue;
      source.addEventListener(name, (event) => {
        heard();
        (listener as (value: unknown) => void)(JSON.parse((event as MessageEvent<string>).data));
      });
    }
  };
  const onVisibility = () => {
    if (!document.hidden) return again();
    clearTimeout(timer);
    source?.close();
  };
  document.addEventListener("visibilitychange", onVisibility);
  if (!document.hidden) connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
    document.removeEventListener("visibilitychange", onVisibility);
  };
}

/** `openLive` for as long as the component is on the page and asks for the same. Nothing is asked while undefined. */
export function useLive(query: string | undefined, listeners: LiveListeners): void {
  useEffect(() => (query === undefined ? undefined : openLive(query, listeners)), [query]);
}
