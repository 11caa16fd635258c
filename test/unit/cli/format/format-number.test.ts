import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatMany,
  formatMoney,
  formatPercent,
  formatRate,
  formatShortCount,
} from "#src/cli/format/format-number.ts";

describe("numbers", () => {
  it.each([
    [1_234_567, "1,234,567"],
    [0, "0"],
    [undefined, "-"],
    [Number.NaN, "-"],
    [Number.POSITIVE_INFINITY, "-"],
  ])("counts %s as %s", (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [0, "0"],
    [999, "999"],
    [999.6, "1k"],
    [1_234, "1.23k"],
    [999_499, "999k"],
    [999_600, "1M"],
    [24_800_000, "24.8M"],
    [5e12, "5,000G"],
    [undefined, "-"],
  ])("shortens %s to %s", (value, text) => expect(formatShortCount(value)).toBe(text));

  it.each([
    [0, "0"],
    [0.254, "0.25"],
    [4.256, "4.26"],
    [9.996, "10.0"],
    [58.06, "58.1"],
    [99.96, "100"],
    [5812.4, "5,812"],
    [undefined, "-"],
  ])("shows a rate of %s as %s", (value, text) => expect(formatRate(value)).toBe(text));

  it.each([
    [0, "0 %"],
    [0.0001, "<0.1 %"],
    [0.573, "57.3 %"],
    [0.5, "50.0 %"],
    [0.99999, "99.9 %"],
    [1, "100 %"],
    [undefined, "-"],
  ])("shows a share of %s as %s", (value, text) => expect(formatPercent(value)).toBe(text));

  it("shows 100 % only if nothing is left, and 0 % only if nothing is done", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000_000 }), fc.nat(), (total, seed) => {
        const done = 1 + (seed % (total - 1));
        const text = formatPercent(done / total);
        expect(text === "100 %").toBe(done === total);
        expect(text).not.toMatch(/^(?:0|0\.0|100\.0) %$/);
      }),
    );
  });

  it.each([
    [12.4, "CNY", "12.40 CNY"],
    [0, "CNY", "0.00 CNY"],
    [0.0042, "USD", "0.0042 USD"],
    [1e-9, "USD", "<0.0001 USD"],
    [1234.5, "JPY", "1,235 JPY"],
    [1234.5, "not a code", "1,234.50 not a code"],
    [undefined, "CNY", "-"],
  ])("shows %s %s as %s", (value, currency, text) => expect(formatMoney(value, currency)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [64_200, "64.2 kB"],
    [999_700, "1 MB"],
    [1_500_000_000, "1.5 GB"],
    [2e12, "2 TB"],
    [undefined, "-"],
  ])("shows %s bytes as %s", (value, text) => expect(formatBytes(value)).toBe(text));

  it("uses the singular and the plural", () => {
    expect([
      formatMany(0, "item"),
      formatMany(1, "item"),
      formatMany(1_234, "item"),
      formatMany(2, "entry", "entries"),
    ]).toEqual(["0 items", "1 item", "1,234 items", "2 entries"]);
  });
});
