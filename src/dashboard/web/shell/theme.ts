import { signal } from "@preact/signals";
import { readPreference, savePreference } from "./preferences.ts";

export type Theme = "system" | "light" | "dark";
const STORAGE_KEY = "sluice-theme";

/** The selected theme, and whether it is currently dark. Charts are redrawn when it changes. */
export const theme = signal<{ readonly selected: Theme; readonly isDark: boolean }>({
  selected: "system",
  isDark: false,
});

export function initTheme(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const saved = readPreference(STORAGE_KEY);
  applyTheme(saved === "light" || saved === "dark" ? saved : "system");
  system.addEventListener("change", () => applyTheme(theme.value.selected));
}

export function selectTheme(selected: Theme): void {
  savePreference(STORAGE_KEY, selected);
  applyTheme(selected);
}

function applyTheme(selected: Theme): void {
  const root = document.documentElement;
  if (selected === "system") delete root.dataset.theme;
  else root.dataset.theme = selected;
  const isDark = selected === "dark" || (selected === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  theme.value = { selected, isDark };
}
