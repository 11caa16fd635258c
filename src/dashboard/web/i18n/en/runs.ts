import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import { plural } from "./plural.ts";

/** Texts of the list of runs, and the words for the state of a run. */
export const runsEn = {
  phases: {
    planning: "planning",
    running: "running",
    paused: "paused",
    snoozing: "snoozed",
    parked: "parked",
    finishing: "finishing",
    finished: "finished",
    cancelled: "cancelled",
    stopped: "stopped",
    unknown: "unknown",
  } satisfies Record<RunPhaseView, string>,
  runs: {
    run: "Run",
    state: "State",
    anyState: "any",
    progress: "Progress",
    rate: "Rate",
    timeLeft: "Time left",
    cost: "Cost",
    started: "Started",
    from: "Started from",
    until: "Until",
    filter: "Name, ID, or model",
    count: (count: string) => plural(count, "run", "runs"),
    none: "No runs yet. Start one:",
    noMatches: "No matching runs.",
    itemsPerSecond: (rate: string) => `${rate} items/s`,
    expected: (amount: string) => `of ${amount} expected`,
    failed: (count: string) => `${count} failed`,
    doneOf: (share: string, done: string, total: string) => `${share} · ${done} of ${total} items`,
    progressText: (succeeded: string, failed: string, total: string) =>
      `${succeeded} succeeded and ${failed} failed, of ${total} items`,
    ago: (time: string) => `${time} ago`,
  },
};
