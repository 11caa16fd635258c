import { formatKnownCost } from "#src/cli/format/format-cost.ts";
import { formatCountdown } from "#src/cli/format/format-duration.ts";
import { formatCount, formatMany, formatMoney, formatPercent, formatRate } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import { findNextCall } from "#src/producer/runs/progress/limit-waits.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { describeEvent, describeNextCall, describePlanning, PHASE_LABELS } from "./describe-event.ts";
import { describeRunEnd } from "./describe-run-end.ts";
import { diffSnapshots, type SnapshotEvent } from "./diff-snapshots.ts";
import type { OutputStream, ReporterClock, RunEvent, RunReporter } from "./run-reporter.ts";

/** Shows that a run is alive, and keeps logs short: one line per 10 s, or per 5 % of a faster run. */
const LINE_INTERVAL_MS = 10_000;
const LINE_INTERVAL_SHARE = 0.05;

/** Plain lines for files, pipes and scheduler logs. */
export function createPlainLines(out: OutputStream, clock: ReporterClock): RunReporter {
  const lines = new PlainLines((line) => out.write(`${line}\n`), clock);
  return {
    planning: (progress) => lines.planning(progress),
    event: (event) => lines.event(event),
    start: ({ runId, model, output, items, done }) => {
      const resumed = done > 0 ? `, ${formatCount(done)} already done` : "";
      lines.writeLine(`run ${runId}: ${model}, ${formatMany(items, "item")}${resumed}, output in ${output}`);
    },
    progress: (snapshot) => lines.progress(snapshot),
    end: (end) => {
      lines.flush();
      for (const line of describeRunEnd(end)) out.write(`${line}\n`);
    },
    close: () => lines.flush(),
  };
}

class PlainLines {
  readonly #write: (line: string) => void;
  readonly #clock: ReporterClock;
  #latest: RunSnapshot | undefined;
  #reported: RunSnapshot | undefined;
  #reportedAt = 0;
  #plannedAt: number | undefined;
  /** When each kind of event was last reported per subject, so that a lane that snoozes every second is one line. */
  readonly #eventsAt = new Map<string, number>();

  constructor(write: (line: string) => void, clock: ReporterClock) {
    this.#write = write;
    this.#clock = clock;
  }

  writeLine(line: string): void {
    this.#write(sanitize(line));
  }

  /** Most sources are read at once; only planning that takes time gets a line. */
  planning(progress: PlanProgress): void {
    this.#plannedAt ??= this.#clock.monotonic();
    if (this.#clock.monotonic() - this.#plannedAt < LINE_INTERVAL_MS) return;
    this.#plannedAt = this.#clock.monotonic();
    this.writeLine(describePlanning(progress));
  }

  event(event: RunEvent | SnapshotEvent): void {
    const sentence = describeEvent(event);
    const subject = "lane" in event ? `${event.type} ${event.lane}` : "kind" in event ? event.kind : sentence;
    const last = this.#eventsAt.get(subject);
    if (last !== undefined && this.#clock.monotonic() - last < LINE_INTERVAL_MS) return;
    this.#eventsAt.set(subject, this.#clock.monotonic());
    this.writeLine(sentence);
  }

  progress(snapshot: RunSnapshot): void {
    const isFirst = this.#latest === undefined;
    for (const event of diffSnapshots(this.#latest, snapshot)) {
      // The next progress line shows that a lane has resumed.
      if (event.type !== "open") this.event(event);
    }
    const progressDelta =
      computeProgress(snapshot) -
      (this.#reported === undefined ? computeProgress(snapshot) : computeProgress(this.#reported));
    const hasPhaseChanged =
      snapshot.phase !== this.#latest?.phase && isNotablePhaseChange(this.#latest?.phase, snapshot.phase);
    this.#latest = snapshot;
    if (isFirst) this.#markReported(snapshot);
    else if (
      (hasPhaseChanged && !(snapshot.phase === "finishing" && this.#hasReported(snapshot))) ||
      progressDelta >= LINE_INTERVAL_SHARE ||
      this.#clock.monotonic() - this.#reportedAt >= LINE_INTERVAL_MS
    ) {
      this.#reportProgress(snapshot);
    }
  }

  /** Reports the latest snapshot, unless the last line has the same items. */
  flush(): void {
    if (this.#latest !== undefined && !this.#hasReported(this.#latest)) this.#reportProgress(this.#latest);
  }

  #hasReported({ items }: RunSnapshot): boolean {
    const reported = this.#reported?.items;
    return reported?.succeeded === items.succeeded && reported.failed === items.failed;
  }

  #markReported(snapshot: RunSnapshot): void {
    this.#reported = snapshot;
    this.#reportedAt = this.#clock.monotonic();
  }

  #reportProgress(snapshot: RunSnapshot): void {
    this.#markReported(snapshot);
    this.writeLine(formatProgress(snapshot, this.#clock.now()));
  }
}

/** Changes by the user, and the start of writing; lanes have their own lines. */
function isNotablePhaseChange(before: RunSnapshot["phase"] | undefined, after: RunSnapshot["phase"]): boolean {
  return after === "finishing" || after === "paused" || before === "paused";
}

function computeProgress({ items }: RunSnapshot): number {
  return items.total === 0 ? 0 : (items.succeeded + items.failed) / items.total;
}

/** "57.3 %  7,074 of 12,345 items, 99.8 items/s, 2 min 04 s left, 3 failed (content-filter 2, too-long 1)" */
export function formatProgress(snapshot: RunSnapshot, now: number): string {
  const { items, phase, calls, cost, costs } = snapshot;
  const failures = Object.entries(snapshot.failuresByKind).map(([kind, n]) => `${kind} ${formatCount(n)}`);
  const nextCallAt = findNextCall(snapshot.lanes);
  const parts = [
    `${formatCount(items.succeeded + items.failed)} of ${formatMany(items.total, "item")}`,
    snapshot.itemsPerSecond === undefined ? "" : `${formatRate(snapshot.itemsPerSecond)} items/s`,
    PHASE_LABELS[phase] ?? "",
    phase === "running" && nextCallAt !== undefined ? describeNextCall(nextCallAt, now) : "",
    snapshot.etaMs === undefined || phase !== "running" || computeProgress(snapshot) === 1
      ? ""
      : `${formatCountdown(snapshot.etaMs)} left`,
    calls.throttled > 0 ? `${formatCount(calls.throttled)} throttled` : "",
    items.failed > 0 ? `${formatCount(items.failed)} failed (${failures.join(", ")})` : "",
    (cost === undefined ? formatKnownCost(costs) : formatMoney(cost.spent, cost.currency)) ?? "",
  ];
  return `${formatPercent(computeProgress(snapshot)).padStart(6)}  ${parts.filter((part) => part !== "").join(", ")}`;
}
