import { describe, expect, test } from "vitest";
import { decideTransition, type RunState, type RunTransition } from "#src/state/runs/run-transitions.ts";

const ACTIONS: readonly RunTransition[] = ["pause", "resume", "cancel", "start", "stop"];

/** "-> state" for a change, "= state" for no change, else the error code. */
function decide(state: RunState | undefined, hasCoordinator: boolean, action: RunTransition): string {
  const decision = decideTransition(action, { state, hasCoordinator });
  if (decision.outcome === "refused") return decision.code;
  return `${decision.outcome === "change" ? "->" : "="} ${decision.state}`;
}

describe("with a running coordinator", () => {
  test.each([
    // state       pause               resume               cancel               start         stop
    ["running", ["-> paused", "= running", "-> cancelled", "= running", "-> paused"]],
    ["paused", ["= paused", "-> running", "-> cancelled", "-> running", "= paused"]],
    ["cancelled", ["nothing-to-pause", "nothing-to-resume", "= cancelled", "= cancelled", "= cancelled"]],
    ["done", ["nothing-to-pause", "nothing-to-resume", "nothing-to-cancel", "-> running", "= done"]],
    [undefined, ["forgotten", "forgotten", "forgotten", "-> running", "forgotten"]],
  ] as const)("a run that is %s", (state, expected) => {
    expect(ACTIONS.map((action) => decide(state, true, action))).toEqual(expected);
  });
});

describe("without a coordinator", () => {
  test.each([
    // state       pause             resume            cancel
    ["running", ["no-coordinator", "no-coordinator", "-> cancelled"]],
    ["paused", ["no-coordinator", "no-coordinator", "-> cancelled"]],
    ["cancelled", ["no-coordinator", "no-coordinator", "= cancelled"]],
    ["done", ["nothing-to-pause", "nothing-to-resume", "nothing-to-cancel"]],
    [undefined, ["forgotten", "forgotten", "forgotten"]],
  ] as const)("a run that is %s", (state, expected) => {
    expect(ACTIONS.slice(0, 3).map((action) => decide(state, false, action))).toEqual(expected);
  });
});

test("an error names the run and states what to do next", () => {
  expect(decideTransition("pause", { state: "running", hasCoordinator: false }, "e-1")).toMatchObject({
    code: "no-coordinator",
    message: "e-1 is stopped: no process coordinates it",
    hint: 'Run "sluice resume e-1" to resume it.',
  });
  expect(decideTransition("pause", { state: "done", hasCoordinator: false })).toMatchObject({
    message: "RUN is finished and cannot be paused",
  });
});
