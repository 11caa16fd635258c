import { expect, test } from "vitest";
import { en } from "#src/dashboard/web/i18n/en/index.ts";
import { zh } from "#src/dashboard/web/i18n/zh/index.ts";

type TranslationTree = {
  readonly [key: string]: string | ((...translations: never[]) => string) | TranslationTree | undefined;
};

/** Paths of all words; functions are called with their own parameters' marks, so that a forgotten one is seen. */
function flattenTranslations(tree: TranslationTree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const here = path === "" ? key : `${path}.${key}`;
    if (typeof value === "string") found.set(here, value);
    else if (typeof value === "function")
      found.set(here, (value as (...translations: unknown[]) => string)("‹0›", "‹1›", "‹2›"));
    else if (value !== undefined)
      for (const [inner, translation] of flattenTranslations(value, here)) found.set(inner, translation);
  }
  return found;
}

const [enTexts, zhTexts] = [
  flattenTranslations(en as unknown as TranslationTree),
  flattenTranslations(zh as unknown as TranslationTree),
];

/** What the server says in English by itself needs words in other languages only. */
const isReason = (path: string) => path.startsWith("reasons.");

test("every word is in both languages, and none is empty", () => {
  expect([...zhTexts.keys()].filter((path) => !isReason(path)).sort()).toEqual([...enTexts.keys()].sort());
  for (const translations of [enTexts, zhTexts])
    for (const [path, translation] of translations)
      expect({ path, translation }).not.toEqual({ path, translation: "" });
});

test("a translation names what the original names", () => {
  const marks = (translation: string | undefined) => [...new Set(translation?.match(/‹\d›/g) ?? [])].sort();
  for (const [path, translation] of enTexts)
    expect({ path, marks: marks(zhTexts.get(path)) }).toEqual({ path, marks: marks(translation) });
});

test("Chinese is not English that was left standing", () => {
  const same = [...enTexts]
    .filter(([path, translation]) => zhTexts.get(path) === translation && /[a-z]{3}/.test(translation))
    .map(([path]) => path);
  // Names that are the same in both.
  expect(same).toEqual(["workers.version"]);
});
