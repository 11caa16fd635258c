import fc from "fast-check";
import { expect, test } from "vitest";
import { findInvalidUtf8, Utf8Validator } from "#src/producer/input/formats/utf8-validator.ts";

test("finds the same faults however the bytes are cut", () => {
  const byte = fc.constantFrom(0x41, 0x80, 0xc3, 0xa9, 0xe6, 0xbc, 0xa2, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xed, 0xa0);
  fc.assert(
    fc.property(fc.array(byte), fc.integer({ min: 1, max: 5 }), (bytes, size) => {
      const whole = new Utf8Validator();
      const expected = [...whole.push(Buffer.from(bytes)), ...whole.end()];
      const scan = new Utf8Validator();
      const found: number[] = [];
      for (let at = 0; at < bytes.length; at += size) found.push(...scan.push(Buffer.from(bytes.slice(at, at + size))));
      expect([...found, ...scan.end()]).toEqual(expected);
    }),
  );
});

test("a fault is found exactly when a strict decoder refuses the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const decodes = (() => {
        try {
          new TextDecoder("utf-8", { fatal: true }).decode(bytes);
          return true;
        } catch {
          return false;
        }
      })();
      expect(findInvalidUtf8(Buffer.from(bytes)) === undefined).toBe(decodes);
    }),
  );
});

test("names the first byte of what is not UTF-8, a cut-off character at the end included", () => {
  expect(findInvalidUtf8(Buffer.from([0x61, 0xc3, 0xa9, 0xff]))).toBe(3);
  expect(findInvalidUtf8(Buffer.from([0x61, 0xe6, 0xbc]))).toBe(1);
  expect(findInvalidUtf8(Buffer.from("déjà 漢字 😀"))).toBeUndefined();
});
