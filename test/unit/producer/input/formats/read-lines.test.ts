import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, MAX_LINE_BYTES, readLines } from "#src/producer/input/formats/read-lines.ts";
import { collect } from "#test/support/runs/source-folder.ts";

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const read = (bytes: Buffer, sizes: readonly number[] = [bytes.length || 1]): Promise<Line[]> =>
  collect(readLines(cut(bytes, sizes)));

test("lines and their numbers do not depend on where the bytes are cut", async () => {
  const line = fc.string({ unit: fc.constantFrom("a", "é", "漢", "😀", "\r", '"') });
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), sizes, async (lines, cuts) => {
      const text = lines.join("\n");
      const expected = text === "" ? [] : text.split("\n").map((each, at) => ({ number: at + 1, text: each }));
      if (text.endsWith("\n")) expected.pop();
      expect(await read(Buffer.from(text), cuts)).toEqual(expected);
    }),
  );
});

test("a byte order mark is not part of the first line", async () => {
  expect(await read(Buffer.from("\ufeffa\nb"), [2])).toEqual([
    { number: 1, text: "a" },
    { number: 2, text: "b" },
  ]);
});

test("a line that is not UTF-8 names its byte and leaves the other lines as they are", async () => {
  const bytes = Buffer.concat([Buffer.from("one\ntw"), Buffer.from([0xff, 0xfe]), Buffer.from("\nthree\n")]);
  expect(await read(bytes, [3])).toEqual([
    { number: 1, text: "one" },
    { number: 2, error: "invalid UTF-8 at byte 2 of the line" },
    { number: 3, text: "three" },
  ]);
});

test("a line over 16 MB is a fault and the lines around it keep their numbers", async () => {
  const long = Buffer.alloc(MAX_LINE_BYTES + 1, "x");
  const bytes = Buffer.concat([Buffer.from("a\n"), long, Buffer.from("\nb\n"), long]);
  const lines = await read(bytes, [256 * 1024]);
  expect(lines.map((line) => ("text" in line ? line.text : line.error))).toEqual([
    "a",
    "line is longer than 16 MB",
    "b",
    "line is longer than 16 MB",
  ]);
  expect(lines.map((line) => line.number)).toEqual([1, 2, 3, 4]);
});
