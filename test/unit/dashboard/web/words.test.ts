import { expect, test } from "vitest";
import { chinese } from "../../../../src/dashboard/web/words/chinese.ts";
import { english } from "../../../../src/dashboard/web/words/english.ts";

type Tree = { readonly [key: string]: string | ((...words: never[]) => string) | Tree | undefined };

/** Paths of all words; functions are called with their own parameters' marks, so that a forgotten one is seen. */
function leaves(tree: Tree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const here = path === "" ? key : `${path}.${key}`;
    if (typeof value === "string") found.set(here, value);
    else if (typeof value === "function")
      found.set(here, (value as (...words: unknown[]) => string)("‹0›", "‹1›", "‹2›"));
    else if (value !== undefined) for (const [inner, word] of leaves(value, here)) found.set(inner, word);
  }
  return found;
}

const [en, zh] = [leaves(english as unknown as Tree), leaves(chinese as unknown as Tree)];

/** What the server says in English by itself needs words in other languages only. */
const isReason = (path: string) => path.startsWith("reasons.");

test("every word is in both languages, and none is empty", () => {
  expect([...zh.keys()].filter((path) => !isReason(path)).sort()).toEqual([...en.keys()].sort());
  for (const words of [en, zh])
    for (const [path, word] of words) expect({ path, word }).not.toEqual({ path, word: "" });
});

test("a translation names what the original names", () => {
  const marks = (word: string | undefined) => [...new Set(word?.match(/‹\d›/g) ?? [])].sort();
  for (const [path, word] of en)
    expect({ path, marks: marks(zh.get(path)) }).toEqual({ path, marks: marks(word) });
});

test("Chinese is not English that was left standing", () => {
  const same = [...en]
    .filter(([path, word]) => zh.get(path) === word && /[a-z]{3}/.test(word))
    .map(([path]) => path);
  // Names that are the same in both.
  expect(same).toEqual(["workers.version"]);
});
