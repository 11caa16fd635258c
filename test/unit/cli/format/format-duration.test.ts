import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCountdown, formatDuration } from "#src/cli/format/format-duration.ts";

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [850, "850 ms"],
    [999.7, "1.0 s"],
    [4_230, "4.2 s"],
    [9_960, "10 s"],
    [42_000, "42 s"],
    [59_600, "1 min 00 s"],
    [724_000, "12 min 04 s"],
    [3_599_700, "1 h 00 min"],
    [3_780_000, "1 h 03 min"],
    [86_390_000, "1 d 00 h"],
    [187_200_000, "2 d 04 h"],
    [undefined, "-"],
    [-1, "-"],
    [Number.NaN, "-"],
  ])("of %s ms reads %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it("carries 60 of a unit over to the next larger unit", () => {
    fc.assert(
      fc.property(fc.nat({ max: 400_000_000 }), (ms) => {
        expect(formatDuration(ms)).not.toMatch(/\b60 (?:s|min)|\b24 h|\b1000 ms/);
      }),
    );
  });

  it("counts down in whole seconds and stops at zero", () => {
    expect([61_400, 1_001, 1_000, 1, 0, -500].map(formatCountdown)).toEqual([
      "1 min 02 s",
      "2 s",
      "1 s",
      "1 s",
      "0 s",
      "0 s",
    ]);
    expect(formatCountdown(undefined)).toBe("-");
  });
});
