import { signal } from "@preact/signals";
import { en, type Translations } from "./en.ts";

export type Language = "en" | "zh";

/** What the page is written in, and its words. English is always at hand; others are loaded when they are wanted. */
export const language = signal<Language>("en");
export const translations = signal<Translations>(en);

const KEY = "sluice-language";

/** The reader's earlier choice, else what the browser asks for. */
export async function initLanguage(): Promise<void> {
  const saved = localStorage.getItem(KEY);
  const preferred = saved ?? navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  await applyLanguage(preferred.toLowerCase().startsWith("zh") ? "zh" : "en");
}

export async function selectLanguage(preferred: Language): Promise<void> {
  localStorage.setItem(KEY, preferred);
  await applyLanguage(preferred);
}

async function applyLanguage(preferred: Language): Promise<void> {
  translations.value = preferred === "zh" ? (await import("./zh.ts")).zh : en;
  language.value = preferred;
  document.documentElement.lang = preferred === "zh" ? "zh-CN" : "en";
}
