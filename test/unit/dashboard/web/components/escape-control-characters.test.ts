import { expect, test } from "vitest";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";

test("characters that turn or hide what follows are written out", () => {
  expect(escapeControlCharacters("\u202Etxt.exe\u202C-002")).toBe("[U+202E]txt.exe[U+202C]-002");
  expect(escapeControlCharacters("a\u2066b\u2069\u200F\u061C")).toBe("a[U+2066]b[U+2069][U+200F][U+061C]");
  expect(escapeControlCharacters("\u0007\u001B[31m\u007F\u0085")).toBe("␇␛[31m[U+007F][U+0085]");
});

test("everything else stays as it is, with its lines", () => {
  const text = "two\nlines\tand שלום 你好 👩‍👩‍👧";
  expect(escapeControlCharacters(text)).toBe(text);
});
