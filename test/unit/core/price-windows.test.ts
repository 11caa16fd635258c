import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findOffPeakPeriod, findPriceFactor, type PriceWindow } from "#src/core/price-windows.ts";

const MINUTE = 60_000;
const at = (time: string) => Date.parse(`${time}Z`);

describe("findPriceFactor", () => {
  const night: PriceWindow = { days: [5], from: "22:30", to: "06:00", factor: 0.5 };

  it.each([
    ["2026-12-04T22:29:59", 1],
    ["2026-12-04T22:30:00", 0.5],
    ["2026-12-05T00:00:00", 0.5],
    ["2026-12-05T05:59:59", 0.5],
    ["2026-12-05T06:00:00", 1],
    // A window of Friday does not begin on Thursday.
    ["2026-12-04T02:00:00", 1],
  ])("reads a window that begins on Friday and ends on Saturday: %s", (time, factor) => {
    expect(findPriceFactor([night], at(time))).toBe(factor);
  });

  it("reads a window of Saturday that ends on Sunday, and one of a whole day", () => {
    expect(findPriceFactor([{ ...night, days: [6] }], at("2026-12-06T05:00:00"))).toBe(0.5);
    const sunday = { days: [0], from: "00:00", to: "00:00", factor: 3 };
    expect(findPriceFactor([sunday], at("2026-12-06T23:59:59"))).toBe(3);
    expect(findPriceFactor([sunday], at("2026-12-07T00:00:00"))).toBe(1);
  });

  it("uses the first of several windows, and 1 outside of all", () => {
    const first = { from: "10:00", to: "12:00", factor: 2 };
    expect(findPriceFactor([first, { ...first, factor: 5 }], at("2026-12-01T11:00:00"))).toBe(2);
    expect(findPriceFactor(undefined, 0)).toBe(1);
  });
});

describe("findOffPeakPeriod", () => {
  const peak = [{ windows: [{ days: [1, 2, 3, 4, 5], from: "06:00", to: "10:00", factor: 2 }] }];
  const period = (start: string, end: string) => ({ start: at(start), end: at(end) });

  it("finds the current period, and the next one during the peak", () => {
    expect(findOffPeakPeriod(peak, at("2026-12-01T07:30:20"))).toEqual(
      period("2026-12-01T10:00:00", "2026-12-02T06:00:00"),
    );
    expect(findOffPeakPeriod(peak, at("2026-12-04T10:00:00.500"))).toEqual(
      period("2026-12-04T10:00:00.500", "2026-12-07T06:00:00"),
    );
  });

  it("finds a period that crosses midnight and the end of the week", () => {
    const cheap = [{ windows: [{ days: [6], from: "23:00", to: "01:00", factor: 0.5 }] }];
    expect(findOffPeakPeriod(cheap, at("2026-12-06T01:00:00"))).toEqual(
      period("2026-12-12T23:00:00", "2026-12-13T01:00:00"),
    );
    expect(findOffPeakPeriod(cheap, at("2026-12-06T00:59:00"))).toEqual(
      period("2026-12-06T00:59:00", "2026-12-06T01:00:00"),
    );
  });

  it("finds nothing if the price never changes", () => {
    expect(findOffPeakPeriod([], 0)).toBeUndefined();
    expect(findOffPeakPeriod([{}, { windows: [] }], 0)).toBeUndefined();
    expect(findOffPeakPeriod([{ windows: [{ from: "00:00", to: "00:00", factor: 2 }] }], 0)).toBeUndefined();
  });

  it("agrees with a search minute by minute", () => {
    const time = fc.nat({ max: 95 }).map((quarter) => {
      const [hours, minutes] = [Math.floor(quarter / 4), (quarter % 4) * 15];
      return `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
    });
    const window = fc.record({
      days: fc.option(fc.uniqueArray(fc.nat({ max: 6 }), { minLength: 1 }), { nil: undefined }),
      from: time,
      to: time,
      factor: fc.constantFrom(0.5, 1, 2),
    });
    const price = fc.record({ windows: fc.array(window, { maxLength: 3 }) });
    const now = fc.nat({ max: 3 * 7 * 1440 }).map((minutes) => at("2026-11-01T00:00:00") + minutes * MINUTE);
    fc.assert(
      fc.property(fc.array(price, { minLength: 1, maxLength: 2 }), now, (prices, start) => {
        const factor = (time: number) => prices.reduce((sum, { windows }) => sum + findPriceFactor(windows, time), 0);
        const times = Array.from({ length: 14 * 1440 }, (_, minute) => start + minute * MINUTE);
        const factors = times.map(factor);
        const lowest = Math.min(...factors);
        const first = factors.indexOf(lowest);
        const length = factors.slice(first).findIndex((one) => one > lowest);
        const expected =
          length === -1 ? undefined : { start: times[first], end: (times[first] ?? 0) + length * MINUTE };
        expect(findOffPeakPeriod(prices, start)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
