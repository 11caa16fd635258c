import { expect, it } from "vitest";
import { describeEvent } from "#src/cli/progress/describe-event.ts";
import { createParkedError } from "#src/producer/runs/run-error.ts";

it("explains why a lane is blocked, and leaves the provider's message unchanged", () => {
  const snooze = (reason: string) => describeEvent({ type: "snooze", lane: "minimax/embo-01", reason });
  expect(snooze("outage")).toBe(
    "minimax/embo-01 snoozed: no answers (network, server or timeout errors); retrying with increasing delays",
  );
  expect(snooze("toString")).toBe("minimax/embo-01 snoozed: toString");
  expect(snooze("requests per minute")).toBe("minimax/embo-01 snoozed: requests per minute");
});

it("names what to check when a run stops because its provider does not answer", () => {
  expect(createParkedError(["unreachable"])).toMatchObject({
    message: expect.stringContaining("cannot be reached"),
    hint: expect.stringMatching(/base URL.*the same command again/),
  });
});
