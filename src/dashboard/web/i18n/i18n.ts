import { signal } from "@preact/signals";
import { readPreference, savePreference } from "#src/dashboard/web/shell/preferences.ts";
import { en, type Translations } from "./en/index.ts";

export type Language = "en" | "zh";

/** The language of the pages and its texts. English is part of the bundle; other languages are loaded on demand. */
export const language = signal<Language>("en");
export const translations = signal<Translations>(en);

const STORAGE_KEY = "sluice-language";

/** Applies the language that the user selected earlier, or else the first supported language of the browser. */
export async function initLanguage(): Promise<void> {
  const saved = readPreference(STORAGE_KEY);
  const preferred = saved ?? navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  await applyLanguage(preferred.toLowerCase().startsWith("zh") ? "zh" : "en");
}

export async function selectLanguage(preferred: Language): Promise<void> {
  savePreference(STORAGE_KEY, preferred);
  await applyLanguage(preferred);
}

export async function applyLanguage(preferred: Language): Promise<void> {
  translations.value = preferred === "zh" ? (await import("./zh/index.ts")).zh : en;
  language.value = preferred;
  document.documentElement.lang = preferred === "zh" ? "zh-CN" : "en";
}
