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
