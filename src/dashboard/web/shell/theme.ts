import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEY = "sluice-theme";

/** What the reader chose, and whether that is dark at this moment; charts are drawn anew when it changes. */
export const theme = signal<{ readonly chosen: Theme; readonly isDark: boolean }>({
  chosen: "system",
  isDark: false,
});

export function followTheme(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = localStorage.getItem(KEY);
  applyTheme(kept === "light" || kept === "dark" ? kept : "system");
  system.addEventListener("change", () => applyTheme(theme.value.chosen));
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  applyTheme(chosen);
}

function applyTheme(chosen: Theme): void {
  const root = document.documentElement;
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
  const isDark =
    chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  theme.value = { chosen, isDark };
}
