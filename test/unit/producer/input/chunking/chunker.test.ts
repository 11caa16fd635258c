import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Chunk, Chunker, type ChunkLimits } from "#src/producer/input/chunking/chunker.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";

async function chunk(text: string, limits: ChunkLimits, structure: "markdown" | "plain" = "markdown") {
  const chunks: Chunk[] = [];
  for await (const each of new Chunker(limits).split(text, structure)) chunks.push(each);
  return chunks;
}

const texts = async (text: string, limits: ChunkLimits, structure?: "markdown" | "plain") =>
  (await chunk(text, limits, structure)).map((each) => each.text);

/** True when every character of `source` but white space is found in `chunks`, in order. */
function covers(source: string, chunks: readonly string[]): boolean {
  const wanted = source.replace(/\s+/g, "");
  let at = 0;
  for (const unit of chunks.join("").replace(/\s+/g, "")) {
    if (wanted.startsWith(unit, at)) at += unit.length;
  }
  return at === wanted.length;
}

function expectValidChunks(source: string, chunks: readonly Chunk[], limit: number): void {
  for (const { text, tokens } of chunks) {
    expect(source).toContain(text);
    expect(text.trim()).toBe(text);
    expect(text).not.toBe("");
    expect(text.isWellFormed()).toBe(true);
    expect(tokens).toBe(estimateTokens(text));
    if ([...text].length > 1) expect(tokens).toBeLessThanOrEqual(limit);
  }
  expect(
    covers(
      source,
      chunks.map((each) => each.text),
    ),
  ).toBe(true);
}

const piece = fc.constantFrom(
  "word ",
  "Sentence one. ",
  "\n",
  "\n\n",
  "\n# Title\n",
  "\n## Part\n\n",
  "\n```js\ncode();\n```\n",
  "\n```",
  "句子一。",
  "「引用。」",
  "甲，乙、丙；",
  "漢字漢字漢字漢字漢字漢字漢字漢字漢字",
  "😀",
  "👩‍👩‍👧‍👦",
  "♥",
  "ü".repeat(30),
  "x".repeat(300),
  "1,2,3;",
  "\r\n",
  "\t",
  "\u3000",
  "가나다",
);

test("no text is lost, no chunk is over the limit, and no character is torn, whatever the text", async () => {
  const limits = fc.record({
    tokens: fc.integer({ min: 16, max: 80 }),
    overlap: fc.integer({ min: 0, max: 8 }),
  });
  const structure = fc.constantFrom("markdown" as const, "plain" as const);
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 120 }), limits, structure, async (pieces, limit, kind) => {
      const source = pieces.join("");
      expectValidChunks(source, await chunk(source, limit, kind), limit.tokens);
    }),
    { numRuns: 300 },
  );
});

test("no text is lost from any characters at all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (source) => {
      expectValidChunks(source, await chunk(source, { tokens: 16, overlap: 4 }), 16);
    }),
  );
});

test("Markdown is cut at headings and each chunk knows the headings it stands under", async () => {
  const body = "Some words that fill a paragraph of this section. ".repeat(3).trim();
  const source = `Before.\n\n# One\n\n${body}\n\n## Inner\n\n${body}\n\n# Two #\n\n${body}\n`;
  const chunks = await chunk(source, { tokens: 48, overlap: 0 });
  expect(chunks.map((each) => [each.text.split("\n")[0], each.headings])).toEqual([
    ["Before.", undefined],
    ["## Inner", ["One", "Inner"]],
    ["# Two #", ["Two"]],
  ]);
});

test("a comment in a code fence is not a heading", async () => {
  const source = `# Real\n\n${"word ".repeat(20)}\n\n\`\`\`sh\n# not a heading\nls\n\`\`\`\n\n${"word ".repeat(40)}`;
  const chunks = await chunk(source, { tokens: 32, overlap: 0 });
  expect(new Set(chunks.map((each) => each.headings?.join("/")))).toEqual(new Set(["Real"]));
});

test("a code fence that fits stays in one chunk", async () => {
  const fence = "```js\nfirst();\n\nsecond();\n\nthird();\n```";
  const source = `${"Words before the code. ".repeat(8)}\n\n${fence}\n\n${"Words behind it. ".repeat(8)}`;
  const chunks = await texts(source, { tokens: 40, overlap: 0 });
  expect(chunks.some((each) => each.includes(fence))).toBe(true);
});

test("sentences are cut behind their full stop, in English and Chinese", async () => {
  const english = await texts("This is a sentence of some words. ".repeat(12), { tokens: 32, overlap: 0 }, "plain");
  for (const each of english) expect(each).toMatch(/^This .*\.$/s);
  const chinese = await texts(
    "他说：「天下大事，分久必合。」合久必分！".repeat(12),
    { tokens: 40, overlap: 0 },
    "plain",
  );
  expect(chinese.length).toBeGreaterThan(3);
  for (const each of chinese) expect(each).toMatch(/[。！」]$/);
  for (const each of chinese) expect(each).not.toMatch(/^[。！」]/);
});

test("neighbours share whole pieces up to the overlap, and nothing without one", async () => {
  const source = Array.from({ length: 40 }, (_, at) => `Sentence number ${at} here.`).join(" ");
  const apart = await texts(source, { tokens: 40, overlap: 0 }, "plain");
  expect(apart.join(" ")).toBe(source);
  const shared = await texts(source, { tokens: 40, overlap: 12 }, "plain");
  for (const [at, each] of shared.entries()) {
    const before = shared[at - 1];
    const first = each.split(". ")[0] ?? "";
    if (before !== undefined) expect(before).toContain(first);
  }
});

test("a text within the limit is one chunk, its white space at the ends left out", async () => {
  expect(await texts("\n# T\n\nshort\n", { tokens: 100, overlap: 10 })).toEqual(["# T\n\nshort"]);
  expect(await texts(" \n ", { tokens: 100, overlap: 10 })).toEqual([]);
});

test("a word of a megabyte without any place to cut is cut all the same", async () => {
  const source = "漢😀x".repeat(50_000);
  expectValidChunks(source, await chunk(source, { tokens: 400, overlap: 40 }), 400);
});

test("a text far longer than a block is cut into chunks that are mostly full", async () => {
  const source = Array.from({ length: 4_000 }, (_, at) => `Paragraph ${at} has a few words.`).join("\n\n");
  const chunks = await chunk(source, { tokens: 200, overlap: 0 }, "plain");
  expectValidChunks(source, chunks, 200);
  const mean = chunks.reduce((sum, each) => sum + each.tokens, 0) / chunks.length;
  expect(mean).toBeGreaterThan(150);
});

const book = join(import.meta.dirname, "../../../../../../shared/data/rust-book");
describe.skipIf(!existsSync(book))(`a real book (skipped when ${book} is absent)`, () => {
  test("every chapter is covered and no chunk is over the limit", async () => {
    for (const name of readdirSync(book).slice(0, 20)) {
      const source = readFileSync(join(book, name), "utf8");
      expectValidChunks(source, await chunk(source, { tokens: 400, overlap: 40 }), 400);
    }
  });
});

describe("a heading", () => {
  const sentence = (n: number) => `Sentence number ${n} makes this paragraph quite long indeed.`;
  const long = Array.from({ length: 60 }, (_, n) => sentence(n)).join(" ");
  const limits = { tokens: 200, overlap: 20 };

  test("stays with the beginning of one long paragraph", async () => {
    const chunks = await chunk(`# Title\n\n${long}\n`, limits);
    expect(chunks[0]?.text).toMatch(/^# Title\n\nSentence number 0 /);
    expect(chunks.map(({ headings }) => headings)).toEqual(chunks.map(() => ["Title"]));
    expectValidChunks(`# Title\n\n${long}\n`, chunks, limits.tokens);
  });

  test("stays with the code that follows it", async () => {
    const chunks = await chunk(`# Title\n\n\`\`\`js\n${"const a = 1;\n".repeat(300)}\`\`\`\n`, limits);
    expect(chunks[0]?.text).toMatch(/^# Title\n\n```js\nconst a/);
  });

  test("without a text of its own stays with the section below it, long or short", async () => {
    const text = `# Title\n\n## Part\n\n${long}\n\n## Next\n\n### Below\n\nshort`;
    const chunks = await chunk(text, limits);
    expect(chunks[0]).toMatchObject({
      text: expect.stringMatching(/^# Title\n\n## Part\n\nSentence number 0 /),
      headings: ["Title"],
    });
    expect(chunks[1]?.headings).toEqual(["Title", "Part"]);
    expect(chunks.at(-1)?.text).toBe("## Next\n\n### Below\n\nshort");
    expectValidChunks(text, chunks, limits.tokens);
  });

  test("is never the end of the chunk before what it heads", async () => {
    const text = `# First\n\nA few words.\n\n## Empty\n\n### Inner\n\n${long}`;
    const chunks = await chunk(text, limits);
    expect(chunks[0]?.text).toBe("# First\n\nA few words.");
    expect(chunks[1]?.text).toMatch(/^## Empty\n\n### Inner\n\nSentence number 0 /);
  });

  test("leaves its overlap to the chunks of a long text", async () => {
    const chunks = await texts(`# Title\n\n${long}`, limits);
    const last = chunks[0]?.split(/(?<=\.) /).at(-1) ?? "?";
    expect(chunks[1]).toContain(last);
  });

  test("that is itself nearly a chunk does not make the others small", async () => {
    const title = `# ${"Word and word ".repeat(60)}`;
    const chunks = await chunk(`${title}\n\n${long}`, limits);
    expect(Math.max(...chunks.map(({ tokens }) => tokens))).toBeGreaterThan(150);
    expectValidChunks(`${title}\n\n${long}`, chunks, limits.tokens);
  });
});

test.each([
  ["```code```\n", "~~~\nopen"],
  ["````\n```\ninside\n```\n````\n", ""],
  ["```js\nfirst();\n```\n", "~~~\nlast\n~~~\n"],
])("a chunk starts outside of fences: %j", async (start, end) => {
  const words = "Some words of a paragraph that goes on. ".repeat(12);
  for (const text of [`${start}${words}\n${end}`, `${words}\n\n${start}${words}\n\n${end}`]) {
    const chunks = await texts(text, { tokens: 40, overlap: 0 });
    for (const each of chunks) expect(each).not.toMatch(/^(?:```|~~~|````)$|^inside|^first|^last/);
  }
});

test("closing tags stay with what they close", async () => {
  const element = `<details>\n\n${"Words of a paragraph. ".repeat(6)}\n\n</details>\n\n`;
  const chunks = await texts(element.repeat(10), { tokens: 32, overlap: 4 });
  expect(chunks.length).toBeGreaterThan(5);
  for (const each of chunks) expect(each).not.toMatch(/^<\/|^[\w]*>/);
});

test("chunks begin and end between characters as readers see them", async () => {
  for (const text of [
    "👩‍👩‍👧‍👦".repeat(200),
    "e\u0301".repeat(500),
    "นี่คือข้อความที่ยาวมาก".repeat(60),
    "\u{1f1eb}\u{1f1f7}".repeat(300),
  ]) {
    for (const each of await texts(text, { tokens: 64, overlap: 8 }, "plain")) {
      const index = text.indexOf(each);
      const bounds = new Intl.Segmenter("und", { granularity: "grapheme" }).segment(text);
      expect(bounds.containing(index)?.index).toBe(index);
      expect(bounds.containing(index + each.length)?.index ?? index + each.length).toBe(index + each.length);
    }
  }
});
