import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { ColumnSource } from "hyparquet-writer";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { convertHtml } from "#src/producer/input/formats/html-to-text.ts";
import { listSources } from "#src/producer/input/list-sources.ts";
import { readSource } from "#src/producer/input/read-source.ts";
import type { Finding } from "#src/producer/input/source.ts";
import { collect, SourceFolder } from "#test/support/runs/source-folder.ts";

async function read(folder: SourceFolder, name: string, fields: { idField?: string; textField?: string } = {}) {
  const { files } = await listSources({ paths: [name], cwd: folder.path });
  const [file] = files;
  if (file === undefined) throw new Error(`${name} is not listed`);
  let bytes = 0;
  const options = { idField: "id", textField: "text", ...fields };
  const findings = await collect(
    readSource(file, options, (each) => {
      bytes += each.length;
    }),
  );
  return { findings, bytes, size: file.size };
}

const describeFinding = (finding: Finding): string => {
  if ("note" in finding) return finding.note;
  if ("problem" in finding) return `${finding.problem.where}: ${finding.problem.message}`;
  const { id, text, metadata } = finding.document;
  return `${id}=${text} ${JSON.stringify(metadata ?? {})}`;
};

async function found(folder: SourceFolder, name: string, content: string | Uint8Array, fields = {}) {
  folder.write(name, content);
  return (await read(folder, name, fields)).findings.map(describeFinding);
}

test("each bad JSONL line is a problem at its own line, and the good ones around it are read", async () => {
  using folder = new SourceFolder();
  const lines = [
    '\ufeff{"id":"a","text":"fine"}\r',
    "",
    '{"id":"b","text":"cut',
    '["not","an object"]',
    '{"id":"c","body":"x","title":"y"}',
    '{"id":"d","text":5}',
    '{"id":"e","text":"  "}',
    '{"id":null,"text":"x"}',
    '{"id":"","text":"x"}',
    '{"id":12345678901234567890,"text":"x"}',
    '{"id":"f","text":"x","__proto__":{"a":1}}',
    '{"id":"g","text":"x","metadata":{"deep":{"\\u005f_proto__":1}}}',
    '{"id":"h","text":"half \\ud83d"}',
    '{"id":"i","text":"says __proto__ in words"}',
    '{"id":1.5,"text":"x","metadata":"plain","n":1}',
  ];
  expect(await found(folder, "r.jsonl", lines.join("\n"))).toEqual([
    "a=fine {}",
    "r.jsonl:3: not valid JSON (column 22)",
    'r.jsonl:4: expected an object with the field "text", got an array',
    'r.jsonl:5: no field "text"; it has id, body, title (use --text-field to choose one)',
    'r.jsonl:6: the field "text" must be a string, got a number; it has id, text',
    'r.jsonl:7: the field "text" is empty',
    'r.jsonl:8: the id field "id" must be a string or a number, got null',
    'r.jsonl:9: the id field "id" is empty',
    "12345678901234567890=x {}",
    'r.jsonl:11: the key "__proto__" is not accepted; rename the field',
    'r.jsonl:12: the key "__proto__" is not accepted; rename the field',
    'r.jsonl:13: the field "text" contains an unpaired surrogate (invalid Unicode)',
    "i=says __proto__ in words {}",
    '1.5=x {"metadata":"plain","n":1}',
  ]);
});

test("an unpaired surrogate anywhere in the metadata is a problem that names the field", async () => {
  using folder = new SourceFolder();
  const lines = [
    String.raw`{"id":1,"text":"a","note":"\ud83d\ude00"}`,
    String.raw`{"id":2,"text":"a","note":"\ud83d"}`,
    String.raw`{"id":3,"text":"a","deep":[{"b":{"c":["\uDE00"]}}]}`,
    String.raw`{"id":4,"text":"a","metadata":{"k\ud83d":1}}`,
    String.raw`{"id":5,"text":"a","says":"\\ud83d"}`,
  ];
  expect(await found(folder, "r.jsonl", lines.join("\n"))).toEqual([
    '1=a {"note":"😀"}',
    "r.jsonl:2: the field note contains an unpaired surrogate (invalid Unicode)",
    "r.jsonl:3: the field deep contains an unpaired surrogate (invalid Unicode)",
    String.raw`r.jsonl:4: the field "k\ud83d" contains an unpaired surrogate (invalid Unicode)`,
    String.raw`5=a {"says":"\\ud83d"}`,
  ]);
  const column = { name: "extra", data: ["\ud83d"], type: "JSON" as const };
  const bytes = parquet([{ name: "text", data: ["a"], type: "STRING" }, column]);
  expect(await found(folder, "r.parquet", bytes)).toEqual([
    "r.parquet:1: the field extra contains an unpaired surrogate (invalid Unicode)",
  ]);
});

test("a byte order mark at the start of any line is ignored", async () => {
  using folder = new SourceFolder();
  const mark = "\ufeff";
  expect(await found(folder, "r.jsonl", `${mark}{"text":"a"}\n${mark}{"text":"${mark}b"}\n`)).toEqual([
    "r.jsonl:1=a {}",
    `r.jsonl:2=${mark}b {}`,
  ]);
  expect(await found(folder, "r.csv", `${mark}id,text\n1,a\n${mark}2,b`)).toEqual(["1=a {}", "2=b {}"]);
  expect(await found(folder, "r.md", `${mark}# One\n${mark}# Two`)).toEqual(['r.md=# One\n# Two {"source":"r.md"}']);
});

describe("a .json file", () => {
  test("that holds an array gives its elements as records, however it is laid out", async () => {
    using folder = new SourceFolder();
    const records = [{ text: "a, ] }", n: [1, { b: '\\"' }] }, { id: "x", text: "漢字" }, { id: 3 }, 7];
    const expected = [
      'r.json:1=a, ] } {"n":[1,{"b":"\\\\\\""}]}',
      "x=漢字 {}",
      'r.json:3: no field "text"; it has id (use --text-field to choose one)',
      'r.json:4: expected an object with the field "text", got a number',
    ];
    for (const indent of [0, 2]) {
      expect(await found(folder, "r.json", `\ufeff${JSON.stringify(records, null, indent)}\n`)).toEqual(expected);
    }
    expect(await found(folder, "r.json", "[]")).toEqual([]);
  });

  test("that holds objects one after the other gives them as records", async () => {
    using folder = new SourceFolder();
    for (const between of ["\n", "", " "]) {
      const json = ['{"text":"a"}', '{\n"text": "b"\n}', "{x}", '{"text":"c'].join(between);
      expect(await found(folder, "r.json", json)).toEqual([
        "r.json:1=a {}",
        "r.json:2=b {}",
        "r.json:3: not valid JSON (column 2)",
        expect.stringMatching(/^r\.json:4: not valid JSON/),
      ]);
    }
  });

  test("that is damaged is a problem", async () => {
    using folder = new SourceFolder();
    expect(await found(folder, "r.json", '[{"text":"a"},,{"text":"b"},]')).toEqual([
      "r.json:1=a {}",
      "r.json:2: not valid JSON: an element of the array is missing",
      "r.json:3=b {}",
    ]);
    expect(await found(folder, "r.json", '[{"text":"a"}')).toEqual(["r.json: not valid JSON: the array is not closed"]);
    expect(await found(folder, "r.json", '[{"text":"a"}] x')).toEqual([
      "r.json:1=a {}",
      "r.json: not valid JSON: text after the end of the array",
    ]);
  });
});

test("a PDF, RTF or PostScript file is one problem, whatever its extension says", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "a.txt", "%PDF-1.7\n1 0 obj")).toEqual(["a.txt: is a PDF file; convert it to text first"]);
  expect(await found(folder, "a.md", "{\\rtf1 x}")).toEqual(["a.md: is an RTF file; convert it to text first"]);
  expect(await found(folder, "a.txt", "%!PS-Adobe-3.0")).toEqual([
    "a.txt: is a PostScript file; convert it to text first",
  ]);
  folder.write("b.rtf", "{\\rtf1 x}");
  folder.write("c", "%PDF-1.4\n");
  const { files, problems } = await listSources({ paths: ["b.rtf", "c"], cwd: folder.path });
  expect(files).toEqual([]);
  expect(problems).toEqual([
    { where: "b.rtf", message: "is an RTF file; convert it to text first" },
    { where: "c", message: "is a PDF file; convert it to text first" },
  ]);
});

test("no problem quotes what a line holds", async () => {
  using folder = new SourceFolder();
  const said = await found(folder, "r.jsonl", 'secret words\n{"id":"a" secret}\n{"text":"secret\n"secret"\n');
  expect(said).toHaveLength(4);
  expect(said.join("\n")).not.toContain("secret");
});

test("fields other than id and text may be named, and the rest is metadata", async () => {
  using folder = new SourceFolder();
  const record = JSON.stringify({ key: 1, body: "text", id: "mine", metadata: { id: "inner", a: 1 } });
  expect(await found(folder, "r.ndjson", record, { idField: "key", textField: "body" })).toEqual([
    '1=text {"id":"mine","a":1}',
  ]);
});

test("CSV cells may contain commas, quotes and line breaks; problems name the line on which a record starts", async () => {
  using folder = new SourceFolder();
  const csv = 'id,text,lang\r\n1,"a, ""b""\r\nc",en\r\n2,,en\r\n3,"x\ny"\r\n\r\n4,漢字,zh';
  expect(await found(folder, "r.csv", csv)).toEqual([
    '1=a, "b"\r\nc {"lang":"en"}',
    'r.csv:4: the field "text" is empty',
    "r.csv:5: has 2 cells, but the header has 3",
    '4=漢字 {"lang":"zh"}',
  ]);
});

test("a record with too many or too few cells is named, and the next one is read", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "r.csv", "id,text\n1\n2,x,y\n3,ok\n")).toEqual([
    "r.csv:2: has 1 cell, but the header has 2",
    "r.csv:3: has 3 cells, but the header has 2",
    "3=ok {}",
  ]);
});

test("unnamed columns are called by their number, and extra delimiters at the end of a record are accepted", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "r.csv", ",id,text,,column_1\n0,1,a,,z\n,2,b,x,z\n")).toEqual([
    '1=a {"column_1_":"0","column_1":"z"}',
    '2=b {"column_4":"x","column_1":"z"}',
  ]);
  expect(await found(folder, "r.csv", "id,text,,\n1,a\n2,b,,,,\n3,c,x\n4,d,,,y\n")).toEqual([
    "1=a {}",
    "2=b {}",
    '3=c {"column_3":"x"}',
    "r.csv:5: has 5 cells, but the header has 4",
  ]);
});

test("the delimiter and the quote can be chosen, and a missing delimiter is suggested", async () => {
  using folder = new SourceFolder();
  const csv = "id;text\n1;'a;''b'\n2;\"c\n";
  expect(await found(folder, "r.csv", csv, { csv: { delimiter: ";", quote: "'" } })).toEqual(["1=a;'b {}", '2="c {}']);
  expect(await found(folder, "r.csv", csv, { csv: { delimiter: ";", quote: "none" } })).toEqual([
    "r.csv:2: has 3 cells, but the header has 2",
    '2="c {}',
  ]);
  expect(await found(folder, "r.csv", csv)).toEqual([
    'r.csv:1: header: is not separated as expected; if its delimiter is ";", add --delimiter ";"',
  ]);
});

test("a CSV file whose header cannot be used is one problem", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "a.csv", "id,text,id\n1,x,2\n")).toEqual(['a.csv:1: header: two columns are named "id"']);
  expect(await found(folder, "b.csv", '\n"id\n1,2')).toEqual([
    "b.csv:2: header: a quoted cell that starts here is never closed",
  ]);
  expect(await found(folder, "c.csv", "id,__proto__\n1,x")).toEqual([
    'c.csv:1: header: the key "__proto__" is not accepted; rename the field',
  ]);
  expect(await found(folder, "d.csv", "")).toEqual([]);
});

test("only the CSV record with invalid UTF-8 or a NUL byte is skipped", async () => {
  using folder = new SourceFolder();
  const filler = `0,${"x".repeat(9000)}\n`;
  const bytes = Buffer.from(`id,text\n${filler}1,caf\xe9\n2,ok\n3,a\0b\n4,ok`, "latin1");
  expect((await found(folder, "r.csv", bytes)).slice(1)).toEqual([
    `r.csv:3: invalid UTF-8 at byte ${8 + filler.length + 5} of the file`,
    "2=ok {}",
    "r.csv:5: contains a NUL byte; expected text",
    "4=ok {}",
  ]);
});

test("TSV is read by tabs", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "r.tsv", 'text\tn\n5" pipe, one\t1\n')).toEqual(['r.tsv:2=5" pipe, one {"n":"1"}']);
});

test("a binary or UTF-16 file is one problem, whatever its extension says", async () => {
  using folder = new SourceFolder();
  for (const name of ["a.jsonl", "a.csv", "a.md"]) {
    expect(await found(folder, name, Uint8Array.of(80, 75, 3, 4, 0, 0))).toEqual([
      `${name}: looks binary: a NUL byte at byte 4; expected UTF-8 text`,
    ]);
    expect(await found(folder, name, Buffer.from("\ufefftext", "utf16le"))).toEqual([
      `${name}: is UTF-16; convert it to UTF-8 first`,
    ]);
  }
});

test("a document that is not UTF-8, has a late NUL byte or no text is a problem with its place", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "a.md", Buffer.from("one\ntwo \xff", "latin1"))).toEqual([
    "a.md:2: invalid UTF-8 at byte 8; convert the file to UTF-8",
  ]);
  expect(await found(folder, "b.txt", `${"x".repeat(10_000)}\0`)).toEqual([
    "b.txt: looks binary: a NUL byte at byte 10000; expected UTF-8 text",
  ]);
  expect(await found(folder, "c.txt", " \n ")).toEqual(["c.txt: contains no text"]);
  expect(await found(folder, "d.html", "<script>1</script>")).toEqual(["d.html: contains no text"]);
});

test("every line end of a document becomes a line feed", async () => {
  using folder = new SourceFolder();
  expect(await found(folder, "a.md", "# T\r\n\r\none\rtwo\nthree\r\n")).toEqual([
    'a.md=# T\n\none\ntwo\nthree\n {"source":"a.md"}',
  ]);
});

test("a document over 64 MB is refused without being held", async () => {
  using folder = new SourceFolder();
  const path = folder.write("big.txt", "");
  const handle = openSync(path, "w");
  const block = Buffer.alloc(1024 * 1024, "x");
  for (let written = 0; written < 65; written++) writeSync(handle, block);
  closeSync(handle);
  expect((await read(folder, "big.txt")).findings.map(describeFinding)).toEqual([
    "big.txt: is larger than 64 MB; split it, or pass its parts as JSONL records",
  ]);
});

test("a page gives its readable text: no scripts, links or shouting, cells apart", async () => {
  using folder = new SourceFolder();
  const html =
    "<html><head><title>t</title><style>p{}</style></head><body><script>x()</script><h1>Water gates</h1>" +
    '<p>One &amp; <a href="http://example.com">two</a>.<img src="a.png" alt="b"></p><ul><li>a</li></ul>' +
    "<table><tr><td>left</td><td>right</td></tr><tr><td>low</td></tr></table></body></html>";
  const [said] = await found(folder, "p.htm", html);
  const text = said?.replace(/^p\.htm=/, "").replace(/ \{"source":"p\.htm"\}$/, "") ?? "";
  expect(text.trim().split(/\s*\n\s*/)).toEqual([
    "t",
    "Water gates",
    "One & two.",
    "- a",
    expect.stringMatching(/^left +right$/),
    "low",
  ]);
});

describe("the text of a page", () => {
  const textOf = async (html: string) => {
    using folder = new SourceFolder();
    const [finding] = await found(folder, "p.html", html);
    return finding?.replace(/^p\.html=/, "").replace(/ \{"source":"p\.html"\}$/, "");
  };

  test("keeps words of different elements apart, and the parts of one word together", async () => {
    const html =
      "<dl><dt>Term</dt><dd>Meaning</dd></dl><select><option>Red</option><option>Blue</option></select>" +
      "<figure>pic<figcaption>Caption</figcaption></figure><details><summary>Sum</summary>Body</details>" +
      "<address>Street</address>City<fieldset><legend>Leg</legend>Field</fieldset>" +
      "<table><caption>Cap</caption><tr><td>a<th>b</tr></table><label>L1</label><label>L2</label>" +
      "<p><b>B</b>old, x<sup>2</sup><br>y<x-tag>z</x-tag><button>OK</button></p>";
    expect((await textOf(html))?.split(/\n+/)).toEqual(
      "Term,Meaning,Red,Blue,pic,Caption,Sum,Body,Street,City,Leg,Field,Cap,a b,L1 L2,Bold; x2,y z OK"
        .split(",")
        .map((line) => line.replace(";", ",")),
    );
  });

  test("includes the title, CDATA, and what follows the body, but no code", async () => {
    expect(
      await textOf(
        "<html><head><title>A &amp; B</title><style>p{}</style></head><body><p>one</p><script>x<y</script></body>" +
          "<p>after <![CDATA[ <it> ]]></p></html><svg><style/><text>drawn</text></svg>",
      ),
    ).toBe("A & B\n\none\n\nafter <it>\n\ndrawn");
  });

  test("has numbered and nested lists, and preformatted text", async () => {
    expect(await textOf("<ol start=3><li>x<ul><li>y</ul><li>z</ol><ul><li></li></ul>t<pre>a\n  b</pre>")).toBe(
      "3. x\n  - y\n4. z\n\nt\n\na\n  b",
    );
  });

  test("is found at any depth, in steps that are linear in the length", async () => {
    const deep = (depth: number) => `${"<div><ul>".repeat(depth)}deep${"</ul></div>".repeat(depth)}`;
    expect(await textOf(deep(100_000))).toBe("deep");
    const countSteps = (html: string) => {
      let steps = 1;
      for (const conversion = convertHtml(html); !conversion.next().done; ) steps += 1;
      return steps;
    };
    expect(countSteps(deep(20_000))).toBeLessThanOrEqual(2 * countSteps(deep(10_000)));
  });
});

const parquet = (columnData: ColumnSource[], options: { rowGroupSize?: number; codec?: "GZIP" } = {}) => {
  const { codec, ...rest } = options;
  const compressors = { GZIP: (input: Uint8Array) => new Uint8Array(gzipSync(input)) };
  return new Uint8Array(
    parquetWriteBuffer({ columnData, ...rest, ...(codec === undefined ? {} : { codec, compressors }) }),
  );
};

test("Parquet records are read over row groups, with plain values as metadata", async () => {
  using folder = new SourceFolder();
  const count = 2500;
  const numbers = Array.from({ length: count }, (_, at) => at);
  for (const options of [{ rowGroupSize: 700 }, { codec: "GZIP" as const }]) {
    const bytes = parquet(
      [
        { name: "id", data: numbers.map((at) => BigInt(at) + 2n ** 60n), type: "INT64" },
        { name: "text", data: numbers.map((at) => `文本 ${at}`), type: "STRING" },
        { name: "when", data: numbers.map((at) => new Date(at)), type: "TIMESTAMP" },
        { name: "big", data: numbers.map((at) => BigInt(at)), type: "INT64" },
        { name: "tags", data: numbers.map((at) => ({ at })), type: "JSON" },
      ],
      options,
    );
    folder.write("r.parquet", bytes);
    const { findings, bytes: seen, size } = await read(folder, "r.parquet");
    expect(findings).toHaveLength(count);
    expect(describeFinding(findings[1700] as Finding)).toBe(
      `${2n ** 60n + 1700n}=文本 1700 {"when":"1970-01-01T00:00:01.700Z","big":1700,"tags":{"at":1700}}`,
    );
    expect(seen).toBe(size);
  }
});

test("bad Parquet records are named by their number", async () => {
  using folder = new SourceFolder();
  const bytes = parquet([
    { name: "id", data: ["a", null, "c", "d"], type: "STRING", nullable: true },
    { name: "text", data: ["one", "two", "", null], type: "STRING", nullable: true },
  ]);
  expect(await found(folder, "r.parquet", bytes)).toEqual([
    "a=one {}",
    'r.parquet:2: the id field "id" must be a string or a number, got null',
    'r.parquet:3: the field "text" is empty',
    'r.parquet:4: the field "text" must be a string, got null; it has id, text',
  ]);
  const raw = [Buffer.from("fine"), Buffer.from([0xff, 0x41])];
  expect(await found(folder, "b.parquet", parquet([{ name: "text", data: raw, type: "BYTE_ARRAY" }]))).toEqual([
    "b.parquet:1=fine {}",
    "b.parquet:2: invalid UTF-8 in a string",
  ]);
});

test("a file that is not Parquet, or only half of one, is one problem", async () => {
  using folder = new SourceFolder();
  const bytes = parquet([{ name: "text", data: ["one"], type: "STRING" }]);
  const half = bytes.subarray(0, bytes.length / 2);
  for (const content of ["text", "", half]) {
    expect(await found(folder, "r.parquet", content)).toEqual([
      expect.stringMatching(/^r\.parquet: cannot be read as Parquet: /),
    ]);
  }
});

test("a file that grows while it is read is a problem", async () => {
  using folder = new SourceFolder();
  const path = folder.write("r.jsonl", '{"text":"one"}\n'.repeat(20_000));
  const { files } = await listSources({ paths: ["r.jsonl"], cwd: folder.path });
  const said: string[] = [];
  for (const file of files) {
    for await (const findings of readSource(file, { idField: "id", textField: "text" }, () => {})) {
      if (said.length === 0) appendFileSync(path, '{"text":"late"}\n');
      for (const finding of findings) said.push(describeFinding(finding));
    }
  }
  expect(said.at(-1)).toMatch(/^r\.jsonl: changed while it was being read/);
});
