import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { fetchSession, session } from "#src/dashboard/web/api-client/session.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { Dialog } from "#src/dashboard/web/components/dialog.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { Notices } from "#src/dashboard/web/components/notice.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import type { Route } from "#src/dashboard/web/parse-route.ts";
import { route } from "#src/dashboard/web/route.ts";
import { Banner } from "./banner.tsx";
import { Header } from "./header.tsx";

/** Each page is a separate chunk that is loaded when the page is first opened. */
const PAGES = {
  overview: () => import("#src/dashboard/web/overview/overview.tsx").then((module) => module.OverviewScreen),
  runs: () => import("#src/dashboard/web/runs/runs.tsx").then((module) => module.RunsScreen),
  run: () => import("#src/dashboard/web/run/run.tsx").then((module) => module.RunScreen as ComponentType<unknown>),
  item: () => import("#src/dashboard/web/item/item.tsx").then((module) => module.ItemScreen as ComponentType<unknown>),
  evaluations: () =>
    import("#src/dashboard/web/evaluations/evaluations.tsx").then((module) => module.EvaluationsScreen),
  live: () => import("#src/dashboard/web/live/live.tsx").then((module) => module.LiveScreen),
  search: () => import("#src/dashboard/web/search/search.tsx").then((module) => module.SearchScreen),
  queues: () => import("#src/dashboard/web/queues/queues.tsx").then((module) => module.QueuesScreen),
  audit: () => import("#src/dashboard/web/audit/audit.tsx").then((module) => module.AuditScreen),
  "sign-in": () => import("#src/dashboard/web/sign-in/sign-in.tsx").then((module) => module.SignInScreen),
};
type PageName = keyof typeof PAGES;

const loadedPages = signal<Partial<Record<PageName, ComponentType<unknown>>>>({});
const loadError = signal<unknown>(undefined);

function loadPage(name: PageName): void {
  PAGES[name]().then(
    (page) => {
      loadError.value = undefined;
      loadedPages.value = { ...loadedPages.value, [name]: page as ComponentType<unknown> };
    },
    (error: unknown) => {
      loadError.value = error;
      void reloadOnce().catch(() => {});
    },
  );
}

const RELOADED_AT_KEY = "sluice-reloaded";
const MIN_RELOAD_INTERVAL_MS = 60_000;

/**
 * Reloads after a chunk failed to load although the server answers: the server was upgraded, and the chunk belongs to
 * the previous version. At most once a minute, so that a chunk that is really missing does not cause a loop.
 */
async function reloadOnce(): Promise<void> {
  await fetchSession();
  if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT_KEY) ?? 0) < MIN_RELOAD_INTERVAL_MS) return;
  sessionStorage.setItem(RELOADED_AT_KEY, String(Date.now()));
  location.reload();
}

/** The frame around all pages: header, banner, footer, dialog, and notices. */
export function Shell() {
  const t = translations.value;
  const isSignedOut = session.value !== undefined && session.value.role === undefined;
  return (
    <>
      <button
        type="button"
        class="skip-link button"
        onClick={() => {
          document.getElementById("main")?.focus();
        }}
      >
        {t.common.skipToContent}
      </button>
      <Header isSignedOut={isSignedOut} />
      <Banner />
      <main id="main" class="main" tabIndex={-1}>
        {session.value === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : isSignedOut ? (
          <Page name="sign-in" />
        ) : (
          <CurrentPage />
        )}
      </main>
      <footer class="footer untrusted-text">
        {session.value === undefined ? null : t.common.footer(session.value.version, session.value.host)}
      </footer>
      <Notices />
      <Dialog />
    </>
  );
}

function CurrentPage() {
  const now = route.value;
  const t = translations.value;
  const title = getPageTitle(now, t.nav);
  const previous = useRef(now);
  useEffect(() => {
    document.title = `${title} · Sluice`;
    if (previous.current !== now) document.getElementById("main")?.focus({ preventScroll: true });
    previous.current = now;
  }, [now, title]);
  if (now.page === "unknown")
    return (
      <EmptyState>
        {t.common.pageNotFound} <a href="#/">{t.nav.overview}</a>
      </EmptyState>
    );
  if (now.page === "run") return <Page key={now.run} name="run" props={{ run: now.run }} />;
  if (now.page === "item")
    return <Page key={`${now.run} ${now.index}`} name="item" props={{ run: now.run, index: now.index }} />;
  return <Page key={now.page} name={now.page} />;
}

function getPageTitle(now: Route, nav: typeof translations.value.nav): string {
  if (now.page === "run") return escapeControlCharacters(now.run);
  if (now.page === "item") return `${escapeControlCharacters(now.run)} #${now.index}`;
  return now.page === "unknown" ? nav.overview : nav[now.page];
}

function Page({ name, props = {} }: { name: PageName; props?: object }) {
  const Component = loadedPages.value[name];
  useEffect(() => {
    if (!Component) loadPage(name);
  }, [name, Component]);
  if (Component) return <Component {...props} />;
  return loadError.value === undefined ? (
    <EmptyState>{translations.value.common.loading}</EmptyState>
  ) : (
    <ErrorNote error={loadError.value} />
  );
}
