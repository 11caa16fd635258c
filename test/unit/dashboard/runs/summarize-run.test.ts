import { describe, expect, it } from "vitest";
import { listRunActions } from "#src/dashboard/runs/list-run-actions.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { getRunPhase, summarizeRun } from "#src/dashboard/runs/summarize-run.ts";
import type { PublishedRun } from "#src/producer/runs/progress/published-run.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";

const snapshot = (phase: RunSnapshot["phase"]): RunSnapshot => ({
  runId: "r",
  model: "m",
  phase,
  items: { total: 10, succeeded: 4, failed: 1, inFlight: 5 },
  itemsPerSecond: 2,
  etaMs: 2_500,
  calls: { made: 1, succeeded: 1, paidTwice: 0, throttled: 0 },
  snoozes: 0,
  tokens: 1,
  lanes: [],
  failuresByKind: {},
  startedAt: 0,
  workers: 1,
});

const report = (failuresByKind: Record<string, number>) =>
  ({
    outcome: "finished",
    report: {
      kind: "chat",
      items: { total: 10, succeeded: 9, failed: 1 },
      failuresByKind,
      finishedAt: "2026-01-01T00:00:00Z",
    },
  }) as unknown as NonNullable<PublishedRun["end"]>;

const known = (fields: Partial<RunInfo>): RunInfo => ({
  run: "r",
  createdAt: 1,
  state: undefined,
  kind: undefined,
  model: undefined,
  lanes: [],
  dir: undefined,
  host: undefined,
  items: undefined,
  startedWith: undefined,
  window: undefined,
  seenAt: undefined,
  hasCoordinator: false,
  published: undefined,
  ...fields,
});

describe("the phase of a run", () => {
  it.each<[string, Partial<RunInfo>]>([
    ["unknown", {}],
    ["planning", { hasCoordinator: true }],
    ["running", { hasCoordinator: true, state: "running", published: { at: 1, snapshot: snapshot("running") } }],
    ["snoozing", { hasCoordinator: true, state: "running", published: { at: 1, snapshot: snapshot("snoozing") } }],
    ["parked", { hasCoordinator: true, state: "running", published: { at: 1, snapshot: snapshot("parked") } }],
    ["finishing", { hasCoordinator: true, state: "running", published: { at: 1, snapshot: snapshot("done") } }],
    ["paused", { hasCoordinator: true, state: "paused", published: { at: 1, snapshot: snapshot("running") } }],
    ["cancelled", { hasCoordinator: true, state: "cancelled" }],
    ["cancelled", { state: "cancelled" }],
    ["cancelled", { state: "done", published: { at: 1, end: report({ cancelled: 1 }) } }],
    ["finished", { state: "done" }],
    ["finished", { published: { at: 1, end: report({ server: 1 }) } }],
    // Its coordinator was killed, and its lease has expired.
    ["stopped", { state: "running", published: { at: 1, snapshot: snapshot("running") } }],
    ["stopped", { published: { at: 1, end: { outcome: "stopped", message: "x" } } }],
  ])("is %s", (phase, fields) => expect(getRunPhase(known(fields))).toBe(phase));
});

describe("a run in the list", () => {
  it("has no unknown values", () => {
    expect(summarizeRun(known({}))).toEqual({ run: "r", phase: "unknown", createdAt: 1 });
  });

  it("has no rate and no remaining time without a coordinator", () => {
    const fields = { state: "running" as const, published: { at: 7, snapshot: snapshot("running") } };
    const stopped = summarizeRun(known(fields));
    expect(stopped).toMatchObject({ items: { total: 10, succeeded: 4, failed: 1 }, seenAt: 7 });
    expect(stopped).not.toHaveProperty("itemsPerSecond");
    expect(stopped).not.toHaveProperty("etaMs");
    expect(stopped.items).not.toHaveProperty("inFlight");
    expect(summarizeRun(known({ ...fields, hasCoordinator: true }))).toMatchObject({
      itemsPerSecond: 2,
      etaMs: 2_500,
    });
  });

  it("has its kind while it runs", () => {
    expect(summarizeRun(known({ kind: "embedding", hasCoordinator: true })).kind).toBe("embedding");
    expect(summarizeRun(known({ kind: "embedding", published: { at: 1, end: report({}) } })).kind).toBe("chat");
  });

  it("has only the last part of the folder's path", () => {
    expect(summarizeRun(known({ dir: "/home/ada/secret-project/vectors" })).name).toBe("vectors");
  });
});

describe("the available actions", () => {
  const folder = { refusal: undefined, hasWorkFolder: true, isSearchable: true };

  it("follow from the run's state", () => {
    const running = known({ hasCoordinator: true, state: "running" });
    expect(listRunActions(running, folder, 0).actions).toEqual(["pause", "cancel", "window", "items", "rename"]);
    const paused = known({ hasCoordinator: true, state: "paused" });
    expect(listRunActions(paused, folder, 0).actions).toEqual(["resume", "cancel", "window", "items", "rename"]);
    const finished = known({ state: "done" });
    expect(listRunActions(finished, folder, 2).actions).toEqual(["items", "retry", "rename", "delete", "search"]);
    expect(listRunActions(finished, folder, 0).actions).toEqual(["items", "rename", "delete", "search"]);
  });

  it("include the reason of missing ones", () => {
    const elsewhere = {
      refusal: { reason: "folder-on-other-host", message: "It is on host-b." } as const,
      hasWorkFolder: false,
      isSearchable: false,
    };
    const { actions, refusals, refusalCodes } = listRunActions(known({ state: "done" }), elsewhere, 2);
    expect(actions).toEqual(["delete"]);
    expect(refusals).toEqual({
      items: "It is on host-b.",
      retry: "It is on host-b.",
      rename: "It is on host-b.",
      search: "It is on host-b.",
    });
    expect(refusalCodes.retry).toBe("folder-on-other-host");
  });

  it("include no pause without a coordinator, and say why", () => {
    const { actions, refusalCodes } = listRunActions(known({ state: "running" }), folder, 2);
    expect(actions).toEqual(["cancel", "items", "retry", "rename", "delete"]);
    expect(refusalCodes).toEqual({ pause: "no-coordinator", resume: "command-unknown", window: "no-coordinator" });
    expect(listRunActions(known({ hasCoordinator: true, state: "running" }), folder, 2).refusalCodes).toEqual({
      retry: "already-running",
      delete: "run-in-use",
    });
  });
});
