import { describe, expect, it } from "vitest";
import { GaugeHistory } from "#src/dashboard/sampling/gauges.ts";

const steps = { stepMs: 10, steps: 3 };

describe("gauges", () => {
  it("keep the last sample of each step, for a limited number of steps", () => {
    const gauges = new GaugeHistory(steps);
    for (const [at, value] of [
      [101, 1],
      [109, 2],
      [115, 3],
      [131, 4],
    ] as const) {
      gauges.record(at, new Map([["workers", value]]));
    }
    expect([100, 110, 120, 130].map((at) => gauges.at("workers", at))).toEqual([undefined, 3, undefined, 4]);
  });

  it("are dropped when the clock jumps back, because points from the future would never expire", () => {
    const gauges = new GaugeHistory(steps);
    gauges.record(10_000, new Map([["workers", 1]]));
    gauges.record(500, new Map([["workers", 2]]));
    expect(gauges.at("workers", 10_000)).toBeUndefined();
    expect(gauges.at("workers", 500)).toBe(2);
  });

  it("have a gap where the clock jumped ahead", () => {
    const gauges = new GaugeHistory(steps);
    gauges.record(500, new Map([["workers", 1]]));
    gauges.record(10_000, new Map([["workers", 2]]));
    expect(gauges.at("workers", 500)).toBeUndefined();
    expect(gauges.at("workers", 10_000)).toBe(2);
  });
});
