import { render } from "preact";
import { fetchSession, refreshSessionOnSignOut, session } from "./api-client/session.ts";
import { initLanguage } from "./i18n/i18n.ts";
import { syncRouteWithUrl } from "./route.ts";
import { enableSearchShortcut } from "./shell/search-shortcut.ts";
import { Shell } from "./shell/shell.tsx";
import { initTheme } from "./shell/theme.ts";

/** How often the session is requested again while the server does not answer. */
const RETRY_INTERVAL_MS = 2_000;

async function loadSession(): Promise<void> {
  try {
    await fetchSession();
  } catch {
    if (session.value === undefined) setTimeout(() => void loadSession(), RETRY_INTERVAL_MS);
  }
}

initTheme();
syncRouteWithUrl();
refreshSessionOnSignOut();
enableSearchShortcut();
await Promise.all([initLanguage().catch(() => {}), loadSession()]);
const root = document.getElementById("root");
if (root) render(<Shell />, root);
