import { describe, expect, it } from "vitest";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { FaultPlan, faultSchema } from "#src/simulator/server/faults.ts";
import { patchSettings, settingsSchema } from "#src/simulator/settings.ts";

function plan(...faults: unknown[]): FaultPlan {
  return new FaultPlan(
    faults.map((fault) => faultSchema.parse(fault)),
    createSimulatorRandom(1),
  );
}

const code = (number: number) => ({ type: "code", code: number });

describe("FaultPlan", () => {
  it("uses the first fault that applies", () => {
    const faults = plan({ action: code(1), text: "POISON" }, { action: code(2) });
    expect(faults.next(["good", "some POISON here"])).toMatchObject({ code: 1 });
    expect(faults.next(["good"])).toMatchObject({ code: 2 });
  });

  it("ends after its number of calls, counting only calls to which it applies", () => {
    const faults = plan({ action: code(1), text: "x", calls: 2 });
    expect(faults.next(["y"])).toBeUndefined();
    expect(faults.next(["x"])).toBeDefined();
    expect(faults.next(["x"])).toBeDefined();
    expect(faults.next(["x"])).toBeUndefined();
  });

  it("applies as often as its probability states", () => {
    const faults = plan({ action: code(1), probability: 0.25 });
    const hits = Array.from({ length: 4000 }, () => faults.next([])).filter(Boolean).length;
    expect(hits).toBeGreaterThan(800);
    expect(hits).toBeLessThan(1200);
    expect(plan({ action: code(1), probability: 0 }).next([])).toBeUndefined();
  });
});

describe("patchSettings", () => {
  const settings = settingsSchema.parse({ limits: { requestsPerWindow: 5 }, latency: { fixedMs: 7 } });

  it("merges limits and latency and replaces the rest", () => {
    const patched = patchSettings(settings, {
      limits: { concurrency: 2 },
      faults: [{ action: { type: "empty" } }],
    });
    expect(patched.limits).toEqual({
      requestsPerWindow: 5,
      tokensPerWindow: null,
      concurrency: 2,
      requestsPerSecond: null,
      windowMs: 60_000,
    });
    expect(patched.latency.fixedMs).toBe(7);
    expect(patched.faults).toEqual([{ action: { type: "empty" }, probability: 1 }]);
    expect(patchSettings(patched, { limits: { requestsPerWindow: null } }).limits.requestsPerWindow).toBeNull();
  });

  it.each([
    [{ limits: { requestsPerWindow: -1 } }],
    [{ limits: { rpm: 3 } }],
    [{ latency: { fixedMs: "slow" } }],
    [{ faults: [{ action: { type: "explode" } }] }],
    [{ unknown: 1 }],
    ["text"],
  ])("rejects %j", (patch) => {
    expect(() => patchSettings(settings, patch)).toThrow(/limits|latency|faults|unknown|expected object/);
  });
});
