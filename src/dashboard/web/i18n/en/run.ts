import { plural } from "./plural.ts";

const cancelledItems = (open: string): string =>
  `${plural(open, "item without a record becomes an error", "items without a record become errors")} of kind "cancelled".`;

/** Texts of the page of a run, except for its list of items. */
export const runEn = {
  run: {
    progress: "Progress",
    succeeded: "succeeded",
    failed: "failed",
    queued: "queued",
    notQueued: "not queued yet",
    ofItems: (total: string) => `of ${total} items`,
    rate: "Rate",
    perSecond: (rate: string) => `${rate}/s`,
    tokenRate: (rate: string) => `tokens: ${rate}`,
    timeLeft: "Time left",
    elapsed: (time: string) => `${time} elapsed`,
    duration: "Duration",
    average: "average",
    started: "Started",
    finished: "Finished",
    model: "Model",
    bufferSize: "Buffer size",
    bufferSizeUnit: "items in Redis at once",
    calls: "Calls",
    atLeast: (count: string) => `at least ${count}`,
    countsLost: "Redis lost data during this run, and counts of calls with it",
    nextCall: (time: string) => `next call in ${time}`,
    answeredCalls: (count: string) => `${count} answered`,
    batchFill: "Batch fill",
    batchFillUnit: "share of each call's capacity",
    duplicateCalls: "Duplicate calls",
    duplicateCallsUnit: "their answers were not needed",
    throttledCalls: "Throttled calls",
    deferredInputs: (count: string) => `${plural(count, "input", "inputs")} deferred`,
    cost: "Cost",
    expected: (amount: string) => `of ${amount} expected`,
    noPrice: "no known price",
    costOf: (model: string) => `Cost of ${model}`,
    tokens: "Tokens",
    tokensReported: "as reported by the provider",
    pause: "Pause run",
    resume: "Resume run",
    cancel: "Cancel run",
    keep: "Keep run",
    retryItems: "Retry items",
    retryFailed: "Retry failed items",
    titles: { pause: "Pause this run?", resume: "Resume this run?", cancel: "Cancel this run permanently?" },
    bodies: {
      pause: (open: string) =>
        `Calls in flight finish and no new calls start. ${plural(open, "item waits", "items wait")} until the run is resumed.`,
      resume: (open: string) =>
        `Workers continue with the remaining ${plural(open, "item", "items")}, at the usual price.`,
      cancel: (open: string) => `Calls in flight finish, then the output is written. ${cancelledItems(open)}`,
      cancelStopped: (open: string) =>
        `This run's process is not running, so no output will be written yet. Resume the run to write it. ${cancelledItems(open)}`,
    },
    done: {
      pause: "Run paused. Calls in flight finish; no new calls start.",
      resume: "Run resumed.",
      cancel:
        "Run cancelled. Calls in flight finish, then the output is written. Items without a record become errors.",
      cancelStopped: "Run cancelled. Resume it to write the output.",
      bufferSize: "The new buffer size applies within a few seconds.",
      unchanged: "Already in that state.",
    },
    stopped: {
      locked: "Until then, its buffer size cannot be changed.",
      command: "Command that resumes it with all its options, on",
      outputPending:
        "The run was cancelled while its process was not running, so its output has not been written yet. To write it, resume the run.",
    },
    changeBufferSize: "Change buffer size",
    setBufferSize: "Set buffer size",
    bufferSizeTitle: "Change the buffer size of this run",
    bufferSizeBody:
      "The buffer size (option --window) is the number of items that are in Redis at once. A larger buffer keeps more workers busy but uses more Redis memory. A smaller buffer shares the queues more fairly with other runs.",
    bufferSizeField: "Items in Redis at once",
    retryMatchingTitle: "Retry all failed items that match?",
    retryEmptyTitle: "Retry all empty answers that match?",
    retryTitle: (count: string) => `Retry ${plural(count, "failed item", "failed items")}?`,
    retryBody: "Removes their error records, calls the provider again for these items only, and rewrites the output.",
    retryUnfinishedBody: (left: string) =>
      `Removes their error records and calls the provider again for these items. This run is not finished, so ${plural(left, "item without a record is", "items without a record are")} also processed, at the usual price.`,
    retryAndResume: "Retry and resume run",
    retryStarted: "Retry started.",
    processStates: {
      retry: { running: "retry running", finished: "retry finished", failed: "retry failed" },
      resume: { running: "resumed", finished: "ended", failed: "could not resume" },
    },
    retryResult: (succeeded: string, total: string, failed: string) =>
      `${succeeded} of ${total} succeeded, ${failed} failed again.`,
    retryCause: (message: string) => `Retry items that failed with: ${message}`,
    failures: "Failures by cause",
    failedItems: (count: string) => plural(count, "failed item", "failed items"),
    noFailures: "No items have failed.",
    rarerCauses: (count: string) =>
      `${plural(count, "more failure has a less frequent cause", "more failures have less frequent causes")}.`,
    otherCauses: "Other causes that are not counted separately",
    showItems: "Show items",
    example: "Example:",
    exportFailures: "Export failures",
    exportTexts: "Export with texts",
    exportTextsTitle: "The export includes the request texts",
    output: "Output",
    startedWith: "Command",
    folder: "Folder",
    format: "Format",
    files: "Files",
    notReadable: "not on this machine",
  },
};
