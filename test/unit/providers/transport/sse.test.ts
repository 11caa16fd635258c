import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseDecoder, type SseEvent, type SseOptions, SseSyntaxError } from "#src/providers/transport/sse.ts";

function decode(text: string | Buffer, cuts: readonly number[] = [], options: SseOptions = {}): SseEvent[] {
  const bytes = Buffer.from(text);
  const decoder = new SseDecoder(options);
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  const events = edges.slice(1).flatMap((end, index) => decoder.push(bytes.subarray(edges[index], end)));
  return [...events, ...decoder.end()];
}

const data = (events: readonly SseEvent[]) => events.map((event) => event.data);

describe("the event decoder", () => {
  it.each([
    ["line feeds", "data: a\n\ndata: b\n\n"],
    ["carriage returns and line feeds", "data: a\r\n\r\ndata: b\r\n\r\n"],
    ["lone carriage returns", "data: a\r\rdata: b\r\r"],
    ["a byte order mark", "\uFEFFdata: a\n\ndata: b\n\n"],
    ["comments and unknown fields", ": hello\ndata: a\nid: 7\nretry: 5\n: x\n\n: y\n\ndatabase: no\ndata: b\n\n"],
    ["no space after the colon", "data:a\n\ndata:b\n\n"],
    ["no blank line at the end", "data: a\n\ndata: b\n"],
    ["no line end at all", "data: a\n\ndata: b"],
    ["several blank lines", "\n\n\ndata: a\n\n\n\ndata: b\n\n"],
  ])("reads %s", (_, text) => {
    expect(data(decode(text))).toEqual(["a", "b"]);
    const everyByte = Array.from({ length: Buffer.byteLength(text) }, (__, index) => index);
    expect(data(decode(text, everyByte))).toEqual(["a", "b"]);
  });

  it("joins the data lines of one event and keeps its name", () => {
    expect(decode("event: error\ndata: a\ndata:  b\ndata\n\n")).toEqual([{ name: "error", data: "a\n b\n" }]);
    expect(decode("event: ping\n\ndata: a\n\n")).toEqual([{ name: "", data: "a" }]);
  });

  it("treats every data line as an event with that framing", () => {
    expect(data(decode("data: a\ndata: b\n\ndata: c\n", [], { framing: "line" }))).toEqual(["a", "b", "c"]);
  });

  it.each(["x".repeat(200), `data: ${"x".repeat(200)}\n\n`, `${"data: xxxxxxxx\n".repeat(30)}\n`])(
    "rejects input longer than the limit",
    (text) => {
      expect(() => decode(text, [], { maxEventBytes: 100 })).toThrow(SseSyntaxError);
      expect(() => decode(text, [10, 90, 150], { maxEventBytes: 100 })).toThrow(/longer than 100 bytes/);
    },
  );

  it("rejects bytes that are not UTF-8", () => {
    expect(() => decode(Buffer.from([...Buffer.from("data: "), 0xc3, 0x28, 10, 10]))).toThrow(/UTF-8/);
  });

  const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\n\0]/g, "·"));
  const event = fc.record({ lines: fc.array(line, { minLength: 1, maxLength: 3 }), comment: fc.boolean() });

  it("yields the same events for every split of the bytes and every line ending", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        fc.nat(40),
        (events, end, random, cuts) => {
          const text = events
            .map(
              ({ lines, comment }) =>
                `${comment ? `: keep-alive${end}` : ""}${lines.map((one) => `data: ${one}${end}`).join("")}${end}`,
            )
            .join("");
          const expected = events.map(({ lines }) => lines.join("\n"));
          const size = Buffer.byteLength(text);
          const where = [...random.take(cuts)].map((share) => Math.floor(share * size));
          expect(data(decode(text, where))).toEqual(expected);
        },
      ),
    );
  });

  it("throws only its own error for arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          decode(Buffer.from(bytes), [3, 50], { maxEventBytes: 64 });
        } catch (error) {
          expect(error).toBeInstanceOf(SseSyntaxError);
        }
      }),
    );
  });
});
