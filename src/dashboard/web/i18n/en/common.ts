/** Texts of the frame around all pages, and texts that several pages share. */
export const commonEn = {
  units: { ms: "ms", second: "s", minute: "min", hour: "h", day: "d" },
  common: {
    loading: "Loading…",
    working: "Working…",
    cancel: "Cancel",
    skipToContent: "Skip to content",
    language: "Language",
    theme: "Theme",
    auto: "Auto",
    autoTitle: "Use the system theme",
    light: "Light",
    dark: "Dark",
    showNewer: "Show newer",
    showOlder: "Show older",
    showAll: (count: string) => `Show all ${count}`,
    shownOf: (shown: string, total: string) => `showing ${shown} of ${total}`,
    pagination: "Pagination",
    breadcrumb: "Breadcrumb",
    providerSays: "Provider:",
    pageNotFound: "Page not found.",
    noProviders: "No provider is configured. Set an API key, then run:",
    footer: (version: string, host: string) => `Sluice ${version} on ${host}`,
  },
  nav: {
    label: "Main",
    overview: "Overview",
    runs: "Runs",
    evaluations: "Evaluations",
    live: "Live",
    search: "Search",
    queues: "Queues",
    audit: "Audit",
  },
  roles: { viewer: "viewer", operator: "operator" },
  banner: {
    serverUnreachable:
      "The dashboard server is not responding. The values below are the last known ones. Reconnecting…",
    redisUnavailable: (since: string) =>
      `Redis has been unavailable since ${since}. The values below are from before that time. This page updates automatically when Redis is back.`,
  },
};
