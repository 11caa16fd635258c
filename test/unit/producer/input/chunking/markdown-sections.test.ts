import fc from "fast-check";
import { expect, test } from "vitest";
import { splitMarkdownSections } from "#src/producer/input/chunking/markdown-sections.ts";

const outline = (text: string) => splitMarkdownSections(text).map((each) => [each.level, each.headings.join(" > ")]);

test("headings nest by level, and a higher one closes those below it", () => {
  expect(outline("intro\n# A\n## B ##\ntext\n#### D\n## C\n# E\r\n")).toEqual([
    [0, ""],
    [1, "A"],
    [2, "A > B"],
    [4, "A > B > D"],
    [2, "A > C"],
    [1, "E"],
  ]);
});

test("hashtags, deep indentation and code are not headings", () => {
  const code = "~~~~\n# a\n~~~\n# b\n~~~~\n```py\n# c\n``` x\n# d\n```\n";
  expect(outline(`#tag\n    # indented\n####### seven\n${code}   # real`)).toEqual([
    [0, ""],
    [1, "real"],
  ]);
});

test("sections put together are the text", () => {
  const line = fc.constantFrom("# A", "## B", "text", "", "```", "~~~", "#", "\r");
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join("\n");
      const sections = splitMarkdownSections(text);
      expect(sections.map((each) => text.slice(each.start, each.end)).join("")).toBe(text);
    }),
  );
});

test("a line that opens and closes its backticks is no fence", () => {
  expect(outline("```code```\n# A\n~~~x~~~\n# in a fence\n~~~\n# B")).toEqual([
    [0, ""],
    [1, "A"],
    [1, "B"],
  ]);
});

test("underlined lines are headings", () => {
  expect(outline("Title\n===\ntext\n\nPart one\nof two\n---\ntext\n\n### Deep\n\nNext\n====\r\n")).toEqual([
    [1, "Title"],
    [2, "Title > Part one of two"],
    [3, "Title > Part one of two > Deep"],
    [1, "Next"],
  ]);
});

test.each([
  "---\ntitle: x\n---\ntext",
  "- item\n---\ntext",
  "1. item\n---",
  "> quote\n---",
  "text\n- item\n---",
  "| a |\n---",
  "\n---\n\n---\n",
  "text\n\n===",
  "```\nText\n---\n```",
  "    code\n---",
])("%j has no headings", (text) => expect(outline(text)).toEqual([[0, ""]]));
