import { signal } from "@preact/signals";
import { english, type Words } from "./english.ts";

export type Language = "en" | "zh";

/** What the page is written in, and its words. English is always at hand; others are loaded when they are wanted. */
export const language = signal<Language>("en");
export const words = signal<Words>(english);

const KEY = "sluice-language";

/** The reader's earlier choice, else what the browser asks for. */
export async function chooseFirstLanguage(): Promise<void> {
  const kept = localStorage.getItem(KEY);
  const wanted = kept ?? navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? "en";
  await setLanguage(wanted.toLowerCase().startsWith("zh") ? "zh" : "en");
}

export async function chooseLanguage(wanted: Language): Promise<void> {
  localStorage.setItem(KEY, wanted);
  await setLanguage(wanted);
}

async function setLanguage(wanted: Language): Promise<void> {
  words.value = wanted === "zh" ? (await import("./chinese.ts")).chinese : english;
  language.value = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
}
