import fc from "fast-check";
import { expect, test } from "vitest";
import { Chunker } from "#src/producer/input/chunking/chunker.ts";

const WORDS = [
  "alpha",
  "beta.",
  "漢字。",
  "👩‍👩‍👧‍👦",
  "e\u0301te",
  "นี่",
  "🇫🇷🇩🇪",
  "**bold**",
  "`code`",
  "</b>",
  "a ``` b",
  "- item",
];
const CODE = ["# comment", "let a = 1;", "", "</div>", "===", "```js inline```x", "    deep", "~~"];

const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 30 }).map((each) => `start ${each.join(" ")}`);
const fence = fc
  .tuple(
    fc.constantFrom("```", "~~~", "````"),
    fc.constantFrom("", "js"),
    fc.array(fc.constantFrom(...CODE), { maxLength: 5 }),
  )
  .map(([mark, language, lines]) => ({ text: [`${mark}${language}`, ...lines, mark].join("\n"), isFence: true }));
const other = fc
  .oneof(
    words,
    words.map((text) => `# ${text.slice(0, 20)}`),
    words.map((text) => `${text.slice(0, 12)}\n---`),
    words.map((text) => `<details>\n\n${text}\n\n</details>`),
    fc.constant("```one line```"),
  )
  .map((text) => ({ text, isFence: false }));
const markdown = fc.array(fc.tuple(fc.oneof(fence, other), fc.constantFrom("\n", "\n\n", "\r\n\r\n")), {
  minLength: 1,
  maxLength: 25,
});

test("chunks of any Markdown start outside of fences and closing tags, and between characters as readers see them", async () => {
  await fc.assert(
    fc.asyncProperty(markdown, async (parts) => {
      const fences: { readonly start: number; readonly end: number }[] = [];
      let text = "";
      for (const [part, lineEnd] of parts) {
        if (part.isFence) fences.push({ start: text.length, end: text.length + part.text.length });
        text += part.text + lineEnd;
      }
      const graphemes = new Set(
        [...new Intl.Segmenter("und").segment(text)].map(({ index }) => index).concat(text.length),
      );
      let end = 0;
      for await (const chunk of new Chunker({ tokens: 100, overlap: 0 }).split(text, "markdown")) {
        const start = text.indexOf(chunk.text, end);
        expect(text.slice(end, start).trim()).toBe("");
        end = start + chunk.text.length;
        expect([graphemes.has(start), graphemes.has(end)]).toEqual([true, true]);
        expect(chunk.text).not.toMatch(/^<\//);
        expect(fences.filter((each) => each.start < start && start < each.end)).toEqual([]);
      }
      expect(text.slice(end).trim()).toBe("");
    }),
  );
});
