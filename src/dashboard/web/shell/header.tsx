import { session, signOut } from "#src/dashboard/web/api-client/session.ts";
import { SegmentedControl } from "#src/dashboard/web/components/segmented-control.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { language, selectLanguage, translations } from "#src/dashboard/web/i18n/i18n.ts";
import { route } from "#src/dashboard/web/route.ts";
import { selectTheme, theme } from "./theme.ts";

const LINKS = ["overview", "runs", "evaluations", "live", "search", "queues", "audit"] as const;

/** Logo, navigation, language, theme, and the signed-in user. */
export function Header({ isSignedOut }: { isSignedOut: boolean }) {
  const t = translations.value;
  const page = route.value.page;
  const current = page === "run" || page === "item" ? "runs" : page;
  return (
    <header class="header">
      <div class="header-inner">
        <a class="brand" href="#/">
          <Logo />
          Sluice
        </a>
        {isSignedOut ? null : (
          <nav class="nav" aria-label={t.nav.label}>
            {LINKS.map((name) => (
              <a
                key={name}
                href={name === "overview" ? "#/" : `#/${name}`}
                aria-current={name === current ? "page" : undefined}
              >
                {t.nav[name]}
              </a>
            ))}
          </nav>
        )}
        <div class="header-controls">
          <SignedInUser />
          <SegmentedControl
            label={t.common.language}
            selected={language.value}
            options={[
              { value: "en", text: "EN", title: "English" },
              { value: "zh", text: "中", title: "中文" },
            ]}
            onSelect={(next) => void selectLanguage(next)}
          />
          <SegmentedControl
            label={t.common.theme}
            selected={theme.value.selected}
            options={[
              { value: "system", text: t.common.auto, title: t.common.autoTitle },
              { value: "light", text: "☀\uFE0E", title: t.common.light },
              { value: "dark", text: "☾\uFE0E", title: t.common.dark },
            ]}
            onSelect={selectTheme}
          />
        </div>
      </div>
    </header>
  );
}

function SignedInUser() {
  const now = session.value;
  const t = translations.value;
  if (now?.role === undefined || now.isAuthDisabled) return null;
  return (
    <>
      <span class="signed-in-user">
        <UntrustedText value={now.userName ?? ""} /> {t.roles[now.role]}
      </span>
      <button type="button" class="button compact" onClick={() => void signOut().catch(() => {})}>
        {t.signIn.signOut}
      </button>
    </>
  );
}

/** A sluice: a gate between two posts, and water below. */
function Logo() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 1h3v18H2zM15 1h3v18h-3z" fill="currentColor" />
      <path d="M7 1h6v8H7z" fill="currentColor" opacity=".45" />
      <path d="M6 13c1.6-1.6 2.6 1.6 4 0s2.4 1.6 4 0v6H6z" fill="var(--accent)" />
    </svg>
  );
}
