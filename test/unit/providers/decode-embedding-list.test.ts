import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEmbeddingList } from "#src/providers/vectors/decode-embedding-list.ts";
import { FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";

const decode = (body: unknown) =>
  decodeEmbeddingList(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), 8);
const base64 = (values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer).toString("base64");

describe("decodeEmbeddingList", () => {
  it("reads base64 as little-endian float32", () => {
    const { matrix } = decode({ data: [{ index: 0, embedding: "AAAAPwAAgL8AAIA+2w9JQA==" }] });
    expect([...(matrix?.values ?? [])]).toEqual([0.5, -1, 0.25, 3.1415927410125732]);
  });

  it("distinguishes the formats within one response, in any key order, escaped or padded", () => {
    const text = base64([-1.5, 3e38, 7, 2.5]).replaceAll("/", "\\/");
    const { matrix, rest } = decode(
      `{"usage":{"total_tokens":3},"data":[{"embedding":"${text}","index":1},{"object":"embedding","index":0,"embedding":[1,2,3,4.5]}],"model":"m"}`,
    );
    expect(matrix).toMatchObject({ rows: 2, columns: 4 });
    expect([...(matrix?.values ?? [])]).toEqual([1, 2, 3, 4.5, -1.5, Math.fround(3e38), 7, 2.5]);
    expect([...rest]).toEqual([
      ["usage", { total_tokens: 3 }],
      ["model", "m"],
    ]);
  });

  it("orders the vectors by their index", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        (values, asBase64, random) => {
          const entries = values.map((value, index) => ({
            index,
            embedding: asBase64 ? base64([value, 1]) : [value, 1],
          }));
          const keys = [...random.take(entries.length)];
          const shuffled = entries.toSorted((a, b) => (keys[a.index] ?? 0) - (keys[b.index] ?? 0));
          const { matrix } = decode({ data: shuffled });
          expect([...(matrix?.values ?? [])].filter((_, index) => index % 2 === 0)).toEqual(
            asBase64 ? values : values.map((value) => value + 0 || (Object.is(value, -0) ? 0 : value)),
          );
        },
      ),
    );
  });

  it.each([
    ["without any index", [undefined, undefined, undefined], [0, 1, 2]],
    ["with null", [null, null], [0, 1]],
    ["without the index that is 0", [undefined, 1, 2], [0, 1, 2]],
    ["without the index that is 0, elsewhere in the list", [2, undefined, 1], [1, 2, 0]],
    ["without the index that is 0, at the end", [2, 1, undefined], [2, 1, 0]],
    ["without an index in its place", [2, undefined, 0], [2, 1, 0]],
    ["with only the last index", [undefined, undefined, 2], [0, 1, 2]],
  ])("reads a list %s", (_, indexes, order) => {
    const { matrix } = decode({ data: indexes.map((index, position) => ({ index, embedding: [position] })) });
    expect([...(matrix?.values ?? [])]).toEqual(order);
  });

  it.each([
    [
      "a missing index that the others contradict",
      [{ index: 0, embedding: [1] }, { index: 2, embedding: [2] }, { embedding: [3] }],
    ],
    ["two missing indexes in another order", [{ index: 1, embedding: [1] }, { embedding: [2] }, { embedding: [3] }]],
    [
      "an index twice",
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
    ],
    ["an index too large", [{ index: 1, embedding: [1] }]],
    ["a huge index", [{ index: 1e9, embedding: [1] }]],
    ["a negative index", [{ index: -1, embedding: [1] }]],
    ["a prototype's index", [{ index: "__proto__", embedding: [1] }]],
    ["a fraction", [{ index: 0.5, embedding: [1] }]],
    ["no embedding", [{ index: 0 }]],
    ["null", [{ index: 0, embedding: null }]],
    ["null inside", [{ index: 0, embedding: [null] }]],
    [
      "different lengths",
      [
        { index: 0, embedding: [1] },
        { index: 1, embedding: [1, 2] },
      ],
    ],
    ["three bytes", [{ index: 0, embedding: "AAAA" }]],
    ["no base64", [{ index: 0, embedding: "A*AAPwAA" }]],
    ["numbers as entries", [1, 2]],
  ])("rejects %s", (_, data) => {
    expect(() => decode({ data })).toThrow(FloatSyntaxError);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it("rejects every truncated body", () => {
    const body = JSON.stringify({
      data: [
        { index: 0, embedding: [1, 2.5] },
        { index: 1, embedding: base64([1, 2]) },
      ],
    });
    decode(body);
    for (let length = 0; length < body.length; length++)
      expect(() => decode(body.slice(0, length))).toThrow(FloatSyntaxError);
  });
});
