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
    sortBy: "Sort by",
    actions: "Actions",
  },
  /** Renaming and deleting, in the list and on the page of a run. */
  runManagement: {
    rename: "Rename",
    delete: "Delete",
    renameRun: (name: string) => `Rename ${name}`,
    deleteRun: (name: string) => `Delete ${name}`,
    renameTitle: "Rename this run",
    name: "Name",
    nameRules:
      "Letters, digits, dots, hyphens, and underscores. Commands accept the name in place of the ID. Without a name, pages show the name of the folder.",
    note: "Note",
    renamed: "Run renamed.",
    deleteTitle: "Delete this run?",
    deletedFiles: "The run is removed from Redis, and its work files (run.db, run-search.db, .work) from this folder:",
    folderKept: "The run is removed from Redis. Its folder cannot be read from this machine, and is kept.",
    answersLost: (count: string) =>
      `This run is not finished: ${plural(count, "answer that is not in an output", "answers that are not in an output")} will be lost.`,
    deleteOutputs: "Delete the output, too:",
    cannotBeUndone: "A deleted run cannot be resumed or retried.",
    deleted: "Run deleted.",
  },
};
