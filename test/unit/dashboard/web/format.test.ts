import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  localizeBytes,
  localizeCompact,
  localizeCount,
  localizeMoney,
  localizePercent,
} from "#src/dashboard/web/format/format-number.ts";
import { localizeDuration } from "#src/dashboard/web/format/format-time.ts";

const UNITS = { ms: "ms", second: "s", minute: "min", hour: "h", day: "d" };

test("unknown values are a dash, never zero", () => {
  for (const unknown of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect([
      localizeCount(unknown),
      localizeCompact(unknown),
      localizePercent(unknown),
      localizeBytes(unknown),
    ]).toEqual(["–", "–", "–", "–"]);
    expect(localizeMoney(unknown, "CNY")).toBe("–");
    expect(localizeDuration(unknown, UNITS)).toBe("–");
  }
  expect(localizeMoney(1, undefined)).toBe("–");
});

test.each([
  [0, "0"],
  [0.4234, "0.42"],
  [36, "36"],
  [35.96, "36.0"],
  [999.4, "999"],
  [4_321, "4,321"],
  [79_580, "79.6 k"],
  [999_499, "999 k"],
  [999_500, "1.00 M"],
  [1_250_000, "1.25 M"],
  [3_000_000_000, "3.00 G"],
])("formats %d as %s", (value, text) => {
  expect(localizeCompact(value)).toBe(text);
});

test.each([
  [0, "0 %"],
  [0.0003, "< 0.1 %"],
  [0.0031, "0.3 %"],
  [0.42, "42 %"],
  [0.9984, "99.8 %"],
  [0.99999, "99.9 %"],
  [1, "100 %"],
  [1.4, "140 %"],
])("formats the share %d as %s", (share, text) => {
  expect(localizePercent(share)).toBe(text);
});

test.each([
  [0, "0.00 CNY"],
  [1.2345, "1.23 CNY"],
  [0.0042, "0.0042 CNY"],
  [1234.5, "1,234.50 CNY"],
])("%d is %s", (amount, text) => {
  expect(localizeMoney(amount, "CNY")).toBe(text);
});

test.each([
  [48_123_000, "48.1 MB"],
  [512, "512 B"],
  [12_662_636_544, "12.7 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(localizeBytes(bytes)).toBe(text);
});

test.each([
  [0.42, "0.4 ms"],
  [120, "120 ms"],
  [4_200, "4.2 s"],
  [45_400, "45 s"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
  [180_000_000, "2 d 2 h"],
  [-5, "0 s"],
])("%d ms are %s", (ms, text) => {
  expect(localizeDuration(ms, UNITS)).toBe(text);
});

describe("for any number", () => {
  test("compact numbers have at most seven characters and a unit, and are never negative", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9e11, noNaN: true }), (value) => {
        expect(localizeCompact(value)).toMatch(/^[\d,.]{1,7}( [kMG])?$/);
        expect(localizeDuration(value, UNITS)).toMatch(/^[\d.]+ \S+( \d+ \S+)?$/);
      }),
    );
  });
});
