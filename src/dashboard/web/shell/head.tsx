import { Segments } from "../parts/segments.tsx";
import { Text } from "../parts/text.tsx";
import { route } from "../route.ts";
import { session, signOut } from "../server/session.ts";
import { chooseLanguage, language, words } from "../words/words.ts";
import { chooseTheme, theme } from "./theme.ts";

const LINKS = ["overview", "runs", "live", "search", "queues", "audit"] as const;

/** Name, ways to the pages, language, colours, and who is there. */
export function Head({ isOut }: { isOut: boolean }) {
  const w = words.value;
  const page = route.value.page;
  const current = page === "run" || page === "item" ? "runs" : page;
  return (
    <header class="head">
      <div class="head-inner">
        <a class="brand" href="#/">
          <Mark />
          Sluice
        </a>
        {isOut ? null : (
          <nav class="nav" aria-label={w.nav.label}>
            {LINKS.map((name) => (
              <a
                key={name}
                href={name === "overview" ? "#/" : `#/${name}`}
                aria-current={name === current ? "page" : undefined}
              >
                {w.nav[name]}
              </a>
            ))}
          </nav>
        )}
        <div class="head-side">
          <Who />
          <Segments
            label={w.common.language}
            chosen={language.value}
            choices={[
              { value: "en", text: "EN", title: "English" },
              { value: "zh", text: "中", title: "中文" },
            ]}
            onChoose={(next) => void chooseLanguage(next)}
          />
          <Segments
            label={w.common.colours}
            chosen={theme.value.chosen}
            choices={[
              { value: "system", text: w.common.auto, title: w.common.autoTitle },
              { value: "light", text: "☀\uFE0E", title: w.common.light },
              { value: "dark", text: "☾\uFE0E", title: w.common.dark },
            ]}
            onChoose={chooseTheme}
          />
        </div>
      </div>
    </header>
  );
}

function Who() {
  const now = session.value;
  const w = words.value;
  if (now?.role === undefined || now.open) return null;
  return (
    <>
      <span class="who">
        <Text value={now.who ?? ""} /> {w.roles[now.role]}
      </span>
      <button type="button" class="button slight" onClick={() => void signOut().catch(() => {})}>
        {w.signIn.leave}
      </button>
    </>
  );
}

/** A gate between two posts, and the water below it. */
function Mark() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 1h3v18H2zM15 1h3v18h-3z" fill="currentColor" />
      <path d="M7 1h6v8H7z" fill="currentColor" opacity=".45" />
      <path d="M6 13c1.6-1.6 2.6 1.6 4 0s2.4 1.6 4 0v6H6z" fill="var(--accent)" />
    </svg>
  );
}
