import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyIndex } from "#src/producer/cache/key-index.ts";

const key = (n: number) => createHash("sha256").update(`${n}`).digest();

test("every place of a key is found, the latest first, and none of segments that are gone", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(5))), fc.nat(5), (added, gone) => {
      const index = new KeyIndex();
      for (const [offset, [n, segment]] of added.entries()) index.add(key(n), { segment, offset });
      const places = (n: number, isThere = (_: number) => true) =>
        added
          .flatMap(([one, segment], offset) => (one === n && isThere(segment) ? [{ segment, offset }] : []))
          .reverse();
      for (let n = 0; n <= 41; n++) expect(index.find(key(n))).toEqual(places(n));
      index.retainSegments((segment) => segment !== gone);
      for (let n = 0; n <= 41; n++)
        expect(new Set(index.find(key(n)))).toEqual(new Set(places(n, (segment) => segment !== gone)));
    }),
  );
});

test("it grows with what is added", () => {
  const index = new KeyIndex();
  for (let n = 0; n < 20_000; n++) index.add(key(n), { segment: 3, offset: n });
  expect(index.size).toBe(20_000);
  for (let n = 0; n < 20_000; n += 977) expect(index.find(key(n))).toEqual([{ segment: 3, offset: n }]);
});
