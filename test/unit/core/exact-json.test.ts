import fc from "fast-check";
import { expect, test } from "vitest";
import { hasRoundedInteger, parseExactJson, toExactNumber } from "#src/core/exact-json.ts";

test.each([
  "12345678901234567890",
  "-9007199254740993",
  "0.1000000000000000055",
  "1.50",
  "-0",
  "-0.0",
  "1e400",
  "1E5",
  "0.0000001",
  "1000000000000000000000000",
  "1.0",
])("%s keeps its digits at every place of a value", (digits) => {
  for (const text of [digits, `[${digits}]`, `{"a":${digits}}`, `{"a":[0,{"b":${digits}}],"c":"d"}`])
    expect(JSON.stringify(parseExactJson(text))).toBe(text);
  expect(JSON.stringify(parseExactJson(`{ "a": ${digits} }`))).toBe(`{"a":${digits}}`);
  expect(JSON.stringify(toExactNumber(digits))).toBe(digits);
});

test("every number of valid JSON keeps its digits", () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);
  fc.assert(
    fc.property(fc.array(digits, { minLength: 1 }), (numbers) => {
      const text = `{"n":[${numbers.join(",")}]}`;
      expect(JSON.stringify(parseExactJson(text))).toBe(text);
    }),
  );
});

test("other values, and numbers that JavaScript prints the same, are ordinary values", () => {
  const text = '{"a":1.5,"b":"costs 1.50, or 1e5","c":[-3,0.001],"d":null,"e":123456789012345}';
  expect(parseExactJson(text)).toEqual(JSON.parse(text));
  expect(JSON.isRawJSON(Object(parseExactJson('{"a":2.0}')).a)).toBe(true);
});

test.each([
  ['{"maximum":9223372036854775807}', true],
  ['{"maximum": -9223372036854775807}', true],
  ['{"a":"order 9223372036854775807","b":1.50}', false],
  ['{"maximum":9007199254740992}', false],
])("%s has a rounded number: %s", (text, expected) => expect(hasRoundedInteger(text)).toBe(expected));
