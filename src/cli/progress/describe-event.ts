import { formatCountdown, formatDuration } from "#src/cli/format/format-duration.ts";
import { formatBytes, formatCount, formatMany } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { HangReport } from "#src/limiter/limiter.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import type { OutageSnapshot, RunPhase } from "#src/producer/runs/progress/run-snapshot.ts";
import type { SnapshotEvent } from "./diff-snapshots.ts";
import type { RunEvent } from "./run-reporter.ts";

/** An event as one sentence, safe for a terminal. */
export function describeEvent(event: RunEvent | SnapshotEvent): string {
  return sanitize(composeSentence(event));
}

function composeSentence(event: RunEvent | SnapshotEvent): string {
  switch (event.type) {
    case "redis-lost-run":
      return `Redis had lost the run: ${formatMany(event.refed, "item")} restored from disk`;
    case "job-requeued":
      return `${formatMany(event.items, "item")} without a worker requeued`;
    case "waiting-for-lease":
      return `waiting for another process to release this run (${event.holder})`;
    case "worker-lost": {
      const outcome = event.restarted ? "was replaced" : "is not replaced";
      return `a worker exited (${event.detail}) and ${outcome}; its unfinished items are processed again`;
    }
    case "retried": {
      const { items, succeeded, failed } = event;
      const again = failed === 0 ? "" : `, ${formatCount(failed)} failed again`;
      return `${formatMany(items, "item")} retried: ${formatCount(succeeded)} succeeded${again}`;
    }
    case "note":
      return event.message;
    case "park":
      return `${event.lane} parked${formatReason(event.reason)}`;
    case "snooze":
      return `${event.lane} snoozed${formatUntil(event.until)}${formatReason(event.reason)}`;
    case "open":
      return `${event.lane} resumed`;
    case "trouble":
      return `${event.lane} gets no answers${describeOutage(event)}`;
    case "hanging":
      return `${event.lane}: ${describeHanging(event)}`;
    case "failure":
      return `${formatMany(event.count, "item")} failed: ${event.kind}`;
  }
}

function formatReason(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${describeReason(reason)}`;
}

/** " until 2026-11-21 12:00:00 UTC" */
function formatUntil(until: string | undefined): string {
  return until === undefined ? "" : ` until ${until.replace("T", " ").replace(/\.\d+Z$/, " UTC")}`;
}

/** " from 127.0.0.1:8900: network: connection refused" */
export function describeOutage({ kind, message, address }: Omit<OutageSnapshot, "since" | "lane">): string {
  return `${address === undefined ? "" : ` from ${address}`}: ${kind}: ${message}`;
}

/** "3 calls have taken more than 60 s (usually 1.2 s); 2 hanging calls were aborted, which may be paid, and made again" */
export function describeHanging({ calls, limitMs, usualMs, aborted }: HangReport): string {
  const verb = calls === 1 ? "has" : "have";
  const times = `more than ${formatDuration(limitMs)} (usually ${formatDuration(usualMs)})`;
  return [
    calls === 0 ? [] : `${formatMany(calls, "call")} ${verb} taken ${times}`,
    aborted === 0 ? [] : `${formatMany(aborted, "hanging call")} aborted and made again`,
  ]
    .flat()
    .join("; ");
}

/** "next call in 34 s: the limits per minute are used up" */
export function describeNextCall(at: number, now: number): string {
  return `next call in ${formatCountdown(Math.max(0, at - now))}: the limits per minute are used up`;
}

/** What a run is doing, in phases that have no estimate of the remaining time. */
export const PHASE_LABELS: Readonly<Partial<Record<RunPhase, string>>> = {
  planning: "reading the source",
  finishing: "writing the output",
  parked: "stopped",
  paused: "paused",
  snoozing: "waiting",
};

const REASONS: ReadonlyMap<string, string> = new Map([
  ["outage", "no answers (network, server or timeout errors); retrying with increasing delays"],
  ["unreachable", "no answers for too long"],
]);

/** Why a lane is snoozed or parked: the limiter's own codes in words, and other reasons unchanged. */
export function describeReason(reason: string): string {
  return REASONS.get(reason) ?? reason;
}

/** The progress of planning. The size of stdin is unknown. */
export function describePlanning(progress: PlanProgress): string {
  const { files, filesTotal, bytes, bytesTotal, items, problems } = progress;
  return [
    `reading: ${formatCount(files)} of ${formatMany(filesTotal, "file")}`,
    bytesTotal > 0 ? `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}` : formatBytes(bytes),
    formatMany(items, "item"),
    problems > 0 ? formatMany(problems, "problem") : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(", ");
}
