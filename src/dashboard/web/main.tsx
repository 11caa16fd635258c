import { render } from "preact";
import { followAddress } from "./route.ts";
import { readSession, session, watchSession } from "./server/session.ts";
import { Shell } from "./shell/shell.tsx";
import { followTheme } from "./shell/theme.ts";
import { chooseFirstLanguage } from "./words/words.ts";

/** Until the server has said who is there, it is asked again this often. */
const AGAIN_MS = 2_000;

async function askWhoIsThere(): Promise<void> {
  try {
    await readSession();
  } catch {
    if (session.value === undefined) setTimeout(() => void askWhoIsThere(), AGAIN_MS);
  }
}

followTheme();
followAddress();
watchSession();
await Promise.all([chooseFirstLanguage().catch(() => {}), askWhoIsThere()]);
const root = document.getElementById("root");
if (root) render(<Shell />, root);
