import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { planBatch } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { planRerank } from "#src/producer/run-kinds/rerank/read-queries.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { countSteps } from "#test/support/count-steps.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

const lines = (length: number, line: (n: number) => string) => {
  const parts: string[] = [];
  for (let size = 0, n = 0; size < length; n += 1) {
    parts.push(line(n));
    size += parts.at(-1)?.length ?? 0;
  }
  return parts.join("");
};
const record = (text: string, n = 0) => `${JSON.stringify({ id: n, text })}\n`;

/** Inputs of `length` characters, by file name. */
const inputs: Readonly<Record<string, (length: number) => string>> = {
  "words.txt": (length) => lines(length, (n) => `alpha${n % 97} `),
  "one-word.txt": (length) => "x".repeat(length),
  "chinese.txt": (length) => "水闸放行的水量".repeat(length / 7),
  "closing-marks.txt": (length) => `。${"」".repeat(length)}`,
  "russian.txt": (length) => "Вода в реке ".repeat(length / 12),
  "thai.txt": (length) => "น้ำในแม่น้ำ".repeat(length / 11),
  "emoji.txt": (length) => "👩‍👩‍👧‍👦".repeat(length / 11),
  "blank.txt": (length) => `a${" ".repeat(length)}b`,
  "blank-lines.md": (length) => `a${"\n".repeat(length)}b`,
  "paragraphs.md": (length) => lines(length, (n) => `Paragraph ${n} has words.\n\n`),
  "headings.md": (length) => lines(length, (n) => `${"#".repeat(1 + (n % 6))} Title ${n}\n\nSome words.\n\n`),
  "empty-headings.md": (length) => "# \n".repeat(length / 3),
  "blank-heading.md": (length) => `# a${" ".repeat(length)}b #\n\ntext`,
  "long-heading.md": (length) => `# ${"word ".repeat(length / 5)}\n\ntext`,
  "underlined.md": (length) => lines(length, (n) => `Title ${n}\n---\n\nSome words.\n\n`),
  "one-paragraph.md": (length) => `${lines(length, (n) => `line ${n}   \n`)}---\n\ntext`,
  "long-underline.md": (length) => `a\n${"-".repeat(length)}x\n${"-".repeat(length)}`,
  "front-matter.md": (length) => "---\n".repeat(length / 4),
  "closing-tags.md": (length) => "text</a>\n\n</b>\n".repeat(length / 15),
  "marks.txt": (length) => `e${"\u0301".repeat(length)}`,
  "fences.md": (length) => "```\ncode\n```\n".repeat(length / 13),
  "open-fences.md": (length) => "text\n~~~\n```\n".repeat(length / 13),
  "one-line.jsonl": (length) => record("words of a text ".repeat(length / 16)),
  "equal.jsonl": (length) => lines(length, (n) => record("the same text", n)),
  "different.jsonl": (length) => lines(length, (n) => record(`text number ${n}`, n)),
  "long-ids.jsonl": (length) => lines(length, (n) => `${JSON.stringify({ id: `${"x".repeat(50)}${n}`, text: "t" })}\n`),
  "equal-long.jsonl": (length) => lines(length, (n) => record("the same text ".repeat(100), n)),
  "floats.jsonl": (length) => `{"text":"t","v":[${lines(length, (n) => `1.${n}0,`)}1]}\n`,
  "escapes.jsonl": (length) => record("\u0001\ud83d\ude00".repeat(length / 18)).replaceAll("😀", "\\ud83d\\ude00"),
  "nested.jsonl": (length) => `{"text":"t","v":${"[".repeat(1_000)}${"1,".repeat(length / 2)}1${"]".repeat(1_000)}}\n`,
  "fields.jsonl": (length) => `{"text":"t"${lines(length, (n) => `,"f${n}":${n}`)}}\n`,
  "array.json": (length) => `[${lines(length, (n) => `${record("text", n)},`)}${record("last", -1)}]`,
  "equal.csv": (length) => `id,text\n${lines(length, (n) => `${n},the same text\n`)}`,
  "open-quote.csv": (length) => `id,text\n1,"${"a,\n".repeat(length / 3)}`,
  "columns.csv": (length) => `id,text${",".repeat(length / 2)}\n1,a${",".repeat(length / 2)}\n`,
  "cells.csv": (length) => `id,text\n${lines(length, (n) => `${n},"a, ""b"""\n`)}`,
  "bad-quotes.csv": (length) => `id,text\n${lines(length, (n) => `${n},"a" b\n`)}`,
  "open-quote.tsv": (length) => `id\ttext\n1\t"a\n${lines(length, (n) => `${n + 2}\tb\n`)}`,
  "divs.html": (length) => `${"<div>".repeat(length / 5)}x`,
  "attributes.html": (length) => `<p ${lines(length, (n) => `a${n}="${n}" `)}>x</p>`,
  "paragraphs.html": (length) => lines(length, (n) => `<p>Paragraph <b>${n}</b> has words.</p>\n`),
  "cdata.html": (length) => "<![CDATA[x]]>".repeat(length / 13),
  "open-comment.html": (length) => `x<!--${"<!-- ".repeat(length / 5)}`,
  "table.md": (length) => lines(length, (n) => `| ${n} | cell |\n`),
  "end-tags.html": (length) => `x${"</p>".repeat(length / 4)}`,
};

test.each(Object.entries(inputs))(
  "planning twice as much of %s takes at most about twice the steps",
  async (name, create) => {
    const plan = async (length: number) => {
      using folder = new SourceFolder();
      folder.write(name, create(length));
      const options = { chunk: { tokens: 64, overlap: 8 }, skipInvalid: true };
      return await countSteps(() => folder.plan([name], options));
    };
    const [once, twice] = [await plan(150_000), await plan(300_000)];
    expect(twice / once).toBeLessThan(2.4);
  },
);

test.each<[string, (n: number) => readonly unknown[]]>([
  ["different values", (n) => [n, `text ${n}`, [`a ${n}`, "b"]]],
  ["equal values", () => [1, "the same text", ["a", "b"]]],
])("planning twice as many rows of a Parquet file with %s takes at most about twice the steps", async (_, row) => {
  const plan = async (rows: number) => {
    using folder = new SourceFolder();
    const columns = Array.from({ length: rows }, (_, n) => row(n));
    const columnData = ["year", "text", "tags"].map((name, at) => ({ name, data: columns.map((cells) => cells[at]) }));
    folder.write("r.parquet", new Uint8Array(parquetWriteBuffer({ columnData, codec: "UNCOMPRESSED" })));
    return await countSteps(() => folder.plan(["r.parquet"]));
  };
  const [once, twice] = [await plan(4_000), await plan(8_000)];
  expect(twice / once).toBeLessThan(2.4);
});

test.each(["equal", "different"])(
  "planning twice as many %s requests takes at most about twice the steps",
  async (kind) => {
    const content = (n: number) => (kind === "equal" ? "the same question" : `question ${n}`);
    const request = (n: number) => ({
      custom_id: `q-${n}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "zhipu/glm-4-plus", temperature: 0, messages: [{ role: "user", content: content(n) }] },
    });
    const plan = async (length: number) => {
      using folder = new SourceFolder();
      folder.write(
        "requests.jsonl",
        lines(length, (n) => `${JSON.stringify(request(n))}\n`),
      );
      const source = { path: "requests.jsonl", model: undefined, registry: createRegistry(), cwd: folder.path };
      return await countSteps(() => planBatch({ ...source, skipInvalid: false }, folder.workDir));
    };
    const [once, twice] = [await plan(150_000), await plan(300_000)];
    expect(twice / once).toBeLessThan(2.4);
  },
);

test("planning twice as many queries takes at most about twice the steps", async () => {
  const plan = async (length: number) => {
    using folder = new SourceFolder();
    const query = (n: number) => ({ id: n, query: `what is ${n}`, documents: ["the same text", `text ${n}`] });
    folder.write(
      "queries.jsonl",
      lines(length, (n) => `${JSON.stringify(query(n))}\n`),
    );
    const { model } = createRegistry().findModel("cohere/rerank-v3.5", "rerank");
    const source = { queries: "queries.jsonl", documents: [], provider: "cohere", model, cwd: folder.path };
    const fields = { idField: "id", textField: "text", skipInvalid: false };
    return await countSteps(() => planRerank({ ...source, ...fields }, folder.workDir));
  };
  const [once, twice] = [await plan(150_000), await plan(300_000)];
  expect(twice / once).toBeLessThan(2.4);
});

test("planning twice as much of anything takes at most about twice the steps", async () => {
  const piece = fc.constantFrom(
    "a",
    " ",
    "\n",
    "\n\n",
    "# ",
    "```",
    "~~~",
    ". ",
    "。",
    "」",
    "漢",
    "น้ำ",
    "😀",
    "\t",
    "---\n",
    "<",
  );
  const pieces = fc.array(piece, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.constantFrom("a.md", "a.txt"), async (repeated, name) => {
      const unit = repeated.join("");
      const plan = async (length: number) => {
        using folder = new SourceFolder();
        folder.write(name, `x${unit.repeat(Math.ceil(length / unit.length))}`);
        return await countSteps(() => folder.plan([name]));
      };
      const [once, twice] = [await plan(20_000), await plan(40_000)];
      expect(twice / once).toBeLessThan(2.6);
    }),
    { numRuns: 25 },
  );
});

test("planning one long line can be interrupted", async () => {
  using folder = new SourceFolder();
  folder.write("a.txt", "alpha beta gamma ".repeat(200_000));
  const controller = new AbortController();
  const progress: number[] = [];
  const hooks = {
    signal: controller.signal,
    onProgress: ({ items }: { items: number }) => {
      progress.push(items);
      controller.abort(new Error("interrupted"));
    },
  };
  await expect(folder.plan(["a.txt"], {}, hooks)).rejects.toThrow("interrupted");
  // The first report comes while items are still being made, and planning ends with the second one at the latest.
  expect(progress.length).toBeLessThanOrEqual(2);
});
