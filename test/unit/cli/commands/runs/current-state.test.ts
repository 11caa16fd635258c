import { describe, expect, it } from "vitest";
import { currentState } from "#src/cli/commands/runs/current-state.ts";

describe("currentState", () => {
  it("shows that a running run is paused or cancelled, which only Redis knows", () => {
    expect(currentState("running", "paused")).toBe("paused");
    expect(currentState("running", "cancelled")).toBe("cancelled");
    expect(currentState("running", "running")).toBe("running");
  });

  it("prefers run.json in all other states: a stopped run is paused in Redis, and a finished one may be forgotten", () => {
    expect(currentState("stopped", "paused")).toBe("stopped");
    expect(currentState("finished", "cancelled")).toBe("finished");
    expect(currentState("finished", undefined)).toBe("finished");
  });

  it("shows the state in Redis if the folder is on another machine", () => {
    expect(currentState(undefined, "running")).toBe("running");
    expect(currentState(undefined, undefined)).toBeUndefined();
  });
});
