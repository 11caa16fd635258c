import type { RunSnapshot } from "../../producer/run-snapshot.ts";
import type { Now, Output, RunEnd, RunEvent, RunReporter } from "./run-reporter.ts";
import { type SnapshotEvent, snapshotEvents } from "./snapshot-events.ts";

/** Programs that follow a run need no more; changes of phase are told at once. */
const PROGRESS_EVERY_MS = 1_000;

/**
 * One JSON object per line: `event` says what happened and `at` when. A run that started always ends in a `run-end`,
 * whose `outcome` is `finished`, with the report, or `stopped`.
 */
export function createJsonEvents(out: Output, now: Now): RunReporter {
  let latest: RunSnapshot | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  let told: RunSnapshot | undefined;
  let plannedAt = Number.NEGATIVE_INFINITY;
  let started = false;
  let ended = false;

  const write = (event: string, fields: object) => {
    out.write(`${JSON.stringify({ event, at: new Date(now()).toISOString(), ...fields })}\n`);
  };
  const tellEvent = ({ type, ...fields }: RunEvent | SnapshotEvent) => write(type, fields);
  const tellProgress = (snapshot: RunSnapshot) => {
    told = snapshot;
    toldAt = now();
    write("progress", snapshot);
  };
  const finish = (end: RunEnd | { outcome: "stopped" }) => {
    if (latest !== undefined && latest !== told) tellProgress(latest);
    // A run that stops before it started has its reason to tell as well, and one that was finished before its report.
    if (!ended && (started || "message" in end || "report" in end)) write("run-end", end);
    ended = true;
  };
  return {
    planning: (progress) => {
      if (now() - plannedAt < PROGRESS_EVERY_MS) return;
      plannedAt = now();
      write("planning", progress);
    },
    event: tellEvent,
    start: (start) => {
      started = true;
      write("run-start", start);
    },
    progress: (snapshot) => {
      for (const event of snapshotEvents(latest, snapshot)) tellEvent(event);
      const due = now() - toldAt >= PROGRESS_EVERY_MS || snapshot.phase !== latest?.phase;
      latest = snapshot;
      if (due) tellProgress(snapshot);
    },
    end: finish,
    close: () => finish({ outcome: "stopped" }),
  };
}
