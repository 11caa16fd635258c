import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideAfterFailure,
  type FailedCall,
  isFault,
  RETRY_DEFAULTS,
} from "#src/core/failures/decide-after-failure.ts";
import { PROVIDER_ERROR_KINDS, ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";

const policy = { ...RETRY_DEFAULTS, random: () => 0.5 };

function failed(
  kind: ProviderErrorKind,
  rest: Partial<Omit<FailedCall, "error">> = {},
  extra: object = {},
): FailedCall {
  return {
    error: new ProviderError("made up", { kind, provider: "fake", ...extra }),
    attempts: 1,
    inputs: 1,
    snoozes: 1,
    faultStreak: 0,
    ...rest,
  };
}

const FAULTS = ["server", "timeout", "network", "bad-response"] as const;
const DEFINITE = ["invalid-request", "too-long", "content-filter"] as const;
const WAITS = ["throttled", "overloaded"] as const;
const ACCOUNT = ["quota", "auth"] as const;

test("every kind is in exactly one family", () => {
  const families: ProviderErrorKind[] = [...FAULTS, ...DEFINITE, ...WAITS, ...ACCOUNT, "aborted"];
  expect(families.sort()).toEqual([...PROVIDER_ERROR_KINDS].sort());
  for (const kind of PROVIDER_ERROR_KINDS) {
    expect(isFault(failed(kind).error)).toBe((FAULTS as readonly string[]).includes(kind));
  }
});

describe.each([0, 1, 2, 4, 5, 50])("after %i attempts", (attempts) => {
  describe.each([1, 2, 10])("with %i inputs", (inputs) => {
    test.each([0, 4, 5, 100])(
      "and %i faults in a row on the lane, each kind leads to what its family does",
      (faultStreak) => {
        const state = { attempts, inputs, faultStreak };
        for (const kind of FAULTS) {
          const { action } = decideAfterFailure(failed(kind, state), policy);
          if (faultStreak >= 5) expect(action).toBe("retry");
          else if (inputs > 1) expect(action).toBe(attempts >= 2 ? "bisect" : "retry");
          else expect(action).toBe(attempts >= 5 ? "fail" : "retry");
        }
        for (const kind of DEFINITE) {
          expect(decideAfterFailure(failed(kind, state), policy).action).toBe(inputs > 1 ? "bisect" : "fail");
        }
        for (const kind of WAITS) expect(decideAfterFailure(failed(kind, state), policy)).toEqual({ action: "snooze" });
        for (const kind of ACCOUNT) {
          expect(decideAfterFailure(failed(kind, state), policy)).toEqual({
            action: "park",
            reason: `${kind}: made up`,
          });
        }
        expect(decideAfterFailure(failed("aborted", state), policy)).toEqual({ action: "return-to-queue" });
      },
    );
  });
});

test.each([1, 10])("%i inputs whose refusal is undecided are called again, however often", (inputs) => {
  const state = { inputs, attempts: 50, isUndecided: true };
  expect(decideAfterFailure(failed("server", state), policy)).toEqual({ action: "retry", delayMs: 3_250 });
  expect(decideAfterFailure(failed("server", { ...state, faultStreak: 5 }), policy)).toMatchObject({ isLaneOut: true });
});

test("during an outage of the lane, a retry has no delay and lets other inputs be the probe", () => {
  expect(decideAfterFailure(failed("server", { faultStreak: 5, attempts: 9, inputs: 10 }), policy)).toEqual({
    action: "retry",
    delayMs: 0,
    isLaneOut: true,
  });
});

test.each([
  [10, 3, "snooze"],
  [10, 4, "bisect"],
  [1, 11, "snooze"],
  [1, 12, "fail"],
])("a call of %i inputs refused for its tokens %i times in a row: %s", (inputs, snoozes, action) => {
  const extra = { dimension: "tokens" };
  expect(decideAfterFailure(failed("throttled", { inputs, snoozes }, extra), policy).action).toBe(action);
  expect(decideAfterFailure(failed("throttled", { inputs, snoozes }, { dimension: "requests" }), policy).action).toBe(
    "snooze",
  );
});

test.each([
  ["invalid-request", {}, "input"],
  ["content-filter", {}, "input"],
  ["invalid-request", { isSplittable: true }, "call"],
  ["too-long", {}, "call"],
  ["server", {}, "call"],
  ["timeout", {}, "call"],
  ["throttled", { dimension: "tokens" }, "call"],
] as const)("%s with %o: the cause is taken to be the %s", (kind, extra, cause) => {
  const decision = decideAfterFailure(failed(kind, { inputs: 10, attempts: 2, snoozes: 4 }, extra), policy);
  expect(decision).toEqual({ action: "bisect", cause });
});

test("delays are between 0 and an exponential step up to a maximum", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), random, (attempts, value) => {
      const decision = decideAfterFailure(failed("server", { attempts }), {
        ...policy,
        maxAttempts: 1_000,
        random: () => value,
      });
      expect(decision.action).toBe("retry");
      const delayMs = decision.action === "retry" ? decision.delayMs : -1;
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(Math.min(30_000, 500 * 2 ** Math.max(0, attempts - 1)));
    }),
  );
});

test("no input is retried forever while its lane works: bisection and attempts end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_048 }), fc.constantFrom(...FAULTS, ...DEFINITE), (size, kind) => {
      let inputs = size;
      let attempts = 0;
      for (let calls = 1; ; calls++) {
        expect(calls).toBeLessThan(30);
        attempts += 1;
        const { action } = decideAfterFailure(failed(kind, { inputs, attempts }), policy);
        if (action === "fail") return;
        if (action === "bisect") inputs = Math.ceil(inputs / 2);
      }
    }),
  );
});
