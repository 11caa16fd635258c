import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { diffSnapshots, type SnapshotEvent } from "./diff-snapshots.ts";
import type { OutputStream, ReporterClock, RunEnd, RunEvent, RunReporter } from "./run-reporter.ts";

/** Often enough for programs that follow a run; phase changes are reported immediately. */
const PROGRESS_INTERVAL_MS = 1_000;

/**
 * One JSON object per line: `event` is what happened, `at` is when. A run that started always ends with a `run-end`, whose
 * `outcome` is `finished` (with the report) or `stopped`.
 */
export function createJsonEvents(out: OutputStream, clock: ReporterClock): RunReporter {
  let latest: RunSnapshot | undefined;
  let reportedAt = Number.NEGATIVE_INFINITY;
  let reported: RunSnapshot | undefined;
  let plannedAt = Number.NEGATIVE_INFINITY;
  let hasStarted = false;
  let hasFinished = false;

  const write = (event: string, fields: object) => {
    out.write(`${JSON.stringify({ event, at: new Date(clock.now()).toISOString(), ...fields })}\n`);
  };
  const reportEvent = ({ type, ...fields }: RunEvent | SnapshotEvent) => write(type, fields);
  const reportProgress = (snapshot: RunSnapshot) => {
    reported = snapshot;
    reportedAt = clock.monotonic();
    write("progress", snapshot);
  };
  const finish = (end: RunEnd | { outcome: "stopped" }) => {
    if (latest !== undefined && latest !== reported) reportProgress(latest);
    // A run that stopped before it started still reports its reason, and one that was already finished its report.
    if (!hasFinished && (hasStarted || "message" in end || "report" in end)) write("run-end", end);
    hasFinished = true;
  };
  return {
    planning: (progress) => {
      if (clock.monotonic() - plannedAt < PROGRESS_INTERVAL_MS) return;
      plannedAt = clock.monotonic();
      write("planning", progress);
    },
    event: reportEvent,
    start: (start) => {
      hasStarted = true;
      write("run-start", start);
    },
    progress: (snapshot) => {
      for (const event of diffSnapshots(latest, snapshot)) reportEvent(event);
      const isDue = clock.monotonic() - reportedAt >= PROGRESS_INTERVAL_MS || snapshot.phase !== latest?.phase;
      latest = snapshot;
      if (isDue) reportProgress(snapshot);
    },
    end: finish,
    close: () => finish({ outcome: "stopped" }),
  };
}
