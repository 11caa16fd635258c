import { expect, test } from "vitest";
import { en } from "#src/dashboard/web/i18n/en/index.ts";
import { zh } from "#src/dashboard/web/i18n/zh/index.ts";

type TranslationTree = {
  readonly [key: string]: string | ((...translations: never[]) => string) | TranslationTree | undefined;
};

/** All texts by path. Functions are called with placeholders, so that a forgotten parameter is noticed. */
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

/** Server messages are in English, so only other languages translate them. */
const isReason = (path: string) => path.startsWith("reasons.");

test("both languages have the same keys and no empty texts", () => {
  expect([...zhTexts.keys()].filter((path) => !isReason(path)).sort()).toEqual([...enTexts.keys()].sort());
  for (const translations of [enTexts, zhTexts])
    for (const [path, translation] of translations)
      expect({ path, translation }).not.toEqual({ path, translation: "" });
});

test("translations use the same parameters", () => {
  const marks = (translation: string | undefined) => [...new Set(translation?.match(/‹\d›/g) ?? [])].sort();
  for (const [path, translation] of enTexts)
    expect({ path, marks: marks(zhTexts.get(path)) }).toEqual({ path, marks: marks(translation) });
});

test("no Chinese text is untranslated English", () => {
  const same = [...enTexts]
    .filter(([path, translation]) => zhTexts.get(path) === translation && /[a-z]{3}/.test(translation))
    .map(([path]) => path);
  // Product names are the same in both languages.
  expect(same).toEqual(["workers.version"]);
});
