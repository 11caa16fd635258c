import fc from "fast-check";
import { expect, test } from "vitest";
import { type CsvRecord, CsvScanner } from "#src/producer/input/formats/csv-scanner.ts";

async function scan(text: string, size = 1 << 20, delimiter = ",", most?: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  const csv = new CsvScanner({ delimiter, quote: '"', isLenient: delimiter === "\t" }, most);
  const found: CsvRecord[][] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(csv.push(bytes.subarray(at, at + size)));
  found.push(csv.end());
  return found.flat().map((each) => `${each.line} ${"cells" in each ? JSON.stringify(each.cells) : each.error}`);
}

test("a record's line is where it starts, over quoted line ends, CRLF, blank lines and a byte order mark", async () => {
  expect(await scan('\ufeffid,text\r\n1,"a\r\nb"\r\n\r\n2,c')).toEqual([
    '1 ["id","text"]',
    '2 ["1","a\\r\\nb"]',
    '5 ["2","c"]',
  ]);
});

test("a quote that is never closed costs one line, not the rest of the file", async () => {
  expect(await scan('id,text\n1,"open\n2,ok\n3,"multi\nline"\n')).toEqual([
    '1 ["id","text"]',
    '2 a quoted cell that starts here contains a single quote; write it twice ("")',
    '3 ["2","ok"]',
    '4 ["3","multi\\nline"]',
  ]);
  expect(await scan('id,text\n1,"open\n2,ok\n')).toEqual([
    '1 ["id","text"]',
    "2 a quoted cell that starts here is never closed",
    '3 ["2","ok"]',
  ]);
});

test("every line end ends a record, mixed or not", async () => {
  const records = ['1 ["id","text"]', '2 ["1","a"]', '3 ["2","b"]', '4 ["3","c"]'];
  for (const [first, second] of [
    ["\r\n", "\n"],
    ["\n", "\r\n"],
    ["\r", "\r"],
    ["\r", "\n"],
  ]) {
    const csv = `id,text${first}1,a${second}2,b${second}3,c`;
    for (const size of [1, 3, 1 << 20]) expect(await scan(csv, size)).toEqual(records);
  }
});

test("a quote in a tab-separated file that no delimiter or line end follows is text", async () => {
  const tsv = 'id\ttext\n1\t"Hello\n2\tWorld\n3\tend" x\n4\t"quoted ""cell""\n"\n5\t"open';
  for (const size of [1, 4, 1 << 20]) {
    expect(await scan(tsv, size, "\t")).toEqual([
      '1 ["id","text"]',
      '2 ["1","\\"Hello"]',
      '3 ["2","World"]',
      '4 ["3","end\\" x"]',
      '5 ["4","quoted \\"cell\\"\\n"]',
      '7 ["5","\\"open"]',
    ]);
  }
});

test("quotes around whole rows of a tab-separated file are text", async () => {
  const tsv = 'id\ttext\n1\t"Hello\n2\tthe 5"\r\n3\t"a\tb\nc"\n4\t"one\n\ntwo"\n"5\tx\n6"\ty\n';
  for (const size of [1, 4, 1 << 20]) {
    expect(await scan(tsv, size, "\t")).toEqual([
      '1 ["id","text"]',
      '2 ["1","\\"Hello"]',
      '3 ["2","the 5\\""]',
      '4 ["3","a\\tb\\nc"]',
      '6 ["4","one\\n\\ntwo"]',
      '9 ["\\"5","x"]',
      '10 ["6\\"","y"]',
    ]);
  }
});

test("a file with one tab-separated column may have quoted cells of several lines", async () => {
  expect(await scan('text\n"two\nlines"\n', 3, "\t")).toEqual(['1 ["text"]', '2 ["two\\nlines"]']);
});

test("a message about a quote names the quote of the file", () => {
  const csv = new CsvScanner({ delimiter: "|", quote: "'", isLenient: false });
  const problem =
    "a quote inside an unquoted cell; put the cell in quotes and write the quote twice (''), or use --quote none";
  expect(csv.push(Buffer.from("1|it's\n"))).toMatchObject([{ error: problem }]);
});

test("a quote within a cell is ordinary text in a tab-separated file", async () => {
  expect(await scan('id\ttext\n1\t5" pipe\n', 3, "\t")).toEqual(['1 ["id","text"]', '2 ["1","5\\" pipe"]']);
});

test("a quoted cell longer than the record limit is rejected and the lines after it are read", async () => {
  const lines = Array.from({ length: 7_000 }, (_, at) => `${at},some text of a line`).join("\n");
  const found = await scan(`id,text\nx,"open\n${lines}`, 8192, ",", 65_536);
  expect(found).toHaveLength(7_002);
  expect(found[1]).toBe("2 a record is longer than 16 MB; perhaps a quoted cell is never closed");
  expect(found.at(-1)).toBe('7002 ["6999","some text of a line"]');
});

test("what is found does not depend on where the bytes are cut", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", ",", "\t", '"', "\n", "\r\n", "\r", "\ufeff", "漢") });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), fc.constantFrom(",", "\t"), async (csv, size, delimiter) => {
      const all = `id${delimiter}text\n${csv}`;
      expect(await scan(all, size, delimiter)).toEqual(await scan(all, all.length * 3, delimiter));
    }),
  );
});

test("any cells written with quotes come back as they were, each record on its line", async () => {
  const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "漢", " ") });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), async (records) => {
      const quote = (each: string) => `"${each.replaceAll('"', '""')}"`;
      const csv = records.map((cells) => `${cells.map(quote).join(",")}\n`).join("");
      let line = 1;
      const expected = records.map((cells) => {
        const at = line;
        line += 1 + cells.join("").split("\n").length - 1;
        return `${at} ${JSON.stringify(cells)}`;
      });
      expect(await scan(csv, 5)).toEqual(expected);
    }),
  );
});
