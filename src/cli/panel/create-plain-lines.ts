import type { PlanProgress } from "../../producer/plan/plan.ts";
import type { RunSnapshot } from "../../producer/run-snapshot.ts";
import { formatCountdown } from "../format/format-duration.ts";
import { formatCount, formatMany, formatMoney, formatPercent, formatRate } from "../format/format-number.ts";
import { sanitize } from "../format/sanitize.ts";
import { describeEnd } from "./describe-end.ts";
import { describeEvent, describePlanning } from "./describe-event.ts";
import type { Now, Output, RunEvent, RunReporter } from "./run-reporter.ts";
import { type SnapshotEvent, snapshotEvents } from "./snapshot-events.ts";

/** A log should show that a run lives, and stay short: a line per 10 s, or per 5 % of a run that is faster. */
const LINE_EVERY_MS = 10_000;
const LINE_EVERY_SHARE = 0.05;

/** Plain lines for files, pipes and logs of schedulers. */
export function createPlainLines(out: Output, now: Now): RunReporter {
  const lines = new PlainLines((line) => out.write(`${line}\n`), now);
  return {
    planning: (progress) => lines.planning(progress),
    event: (event) => lines.event(event),
    start: ({ runId, model, output, items, done }) => {
      const resumed = done > 0 ? `, ${formatCount(done)} done before` : "";
      lines.tell(`run ${runId}: ${model}, ${formatMany(items, "item")}${resumed}, to ${output}`);
    },
    progress: (snapshot) => lines.progress(snapshot),
    end: (end) => {
      lines.flush();
      for (const line of describeEnd(end)) out.write(`${line}\n`);
    },
    close: () => lines.flush(),
  };
}

class PlainLines {
  readonly #write: (line: string) => void;
  readonly #now: Now;
  #latest: RunSnapshot | undefined;
  #told: RunSnapshot | undefined;
  #toldAt = 0;
  #plannedAt: number | undefined;
  /** When an event of one kind about one thing was last told, so that a lane that snoozes each second is one line. */
  readonly #eventsAt = new Map<string, number>();

  constructor(write: (line: string) => void, now: Now) {
    this.#write = write;
    this.#now = now;
  }

  tell(line: string): void {
    this.#write(sanitize(line));
  }

  /** Most sources are read at once; only what takes time is worth a line. */
  planning(progress: PlanProgress): void {
    this.#plannedAt ??= this.#now();
    if (this.#now() - this.#plannedAt < LINE_EVERY_MS) return;
    this.#plannedAt = this.#now();
    this.tell(describePlanning(progress));
  }

  event(event: RunEvent | SnapshotEvent): void {
    const sentence = describeEvent(event);
    const subject = "lane" in event ? `${event.type} ${event.lane}` : "kind" in event ? event.kind : sentence;
    const last = this.#eventsAt.get(subject);
    if (last !== undefined && this.#now() - last < LINE_EVERY_MS) return;
    this.#eventsAt.set(subject, this.#now());
    this.tell(sentence);
  }

  progress(snapshot: RunSnapshot): void {
    const first = this.#latest === undefined;
    for (const event of snapshotEvents(this.#latest, snapshot)) {
      // Where a lane goes on, the next line of progress says so.
      if (event.type !== "open") this.event(event);
    }
    const moved = share(snapshot) - (this.#told === undefined ? share(snapshot) : share(this.#told));
    const changed = snapshot.phase !== this.#latest?.phase && isTurn(this.#latest?.phase, snapshot.phase);
    this.#latest = snapshot;
    if (first) this.#remember(snapshot);
    else if (changed || moved >= LINE_EVERY_SHARE || this.#now() - this.#toldAt >= LINE_EVERY_MS) {
      this.#tellProgress(snapshot);
    }
  }

  /** The last state, unless it was told already. */
  flush(): void {
    if (this.#latest !== undefined && this.#latest !== this.#told) this.#tellProgress(this.#latest);
  }

  #remember(snapshot: RunSnapshot): void {
    this.#told = snapshot;
    this.#toldAt = this.#now();
  }

  #tellProgress(snapshot: RunSnapshot): void {
    this.#remember(snapshot);
    this.tell(progressLine(snapshot));
  }
}

/** Where a person or the run itself has turned to something else; lanes have lines of their own. */
function isTurn(before: RunSnapshot["phase"] | undefined, after: RunSnapshot["phase"]): boolean {
  return after === "finishing" || after === "paused" || before === "paused";
}

function share({ items }: RunSnapshot): number {
  return items.total === 0 ? 0 : (items.succeeded + items.failed) / items.total;
}

/** "57.3 %  7,074 of 12,345 items, 99.8 items/s, 2 min 04 s left, 3 failed (content-filter 2, too-long 1)" */
export function progressLine(snapshot: RunSnapshot): string {
  const { items, phase, calls, cost } = snapshot;
  const failures = Object.entries(snapshot.failuresByKind).map(([kind, n]) => `${kind} ${formatCount(n)}`);
  const parts = [
    `${formatCount(items.succeeded + items.failed)} of ${formatMany(items.total, "item")}`,
    `${formatRate(snapshot.itemsPerSecond)} items/s`,
    phase === "finishing" ? "writing the output" : "",
    phase === "parked" || phase === "snoozing" || phase === "paused" ? phase : "",
    snapshot.etaMs === undefined || phase !== "running" || share(snapshot) === 1
      ? ""
      : `${formatCountdown(snapshot.etaMs)} left`,
    calls.throttled > 0 ? `${formatCount(calls.throttled)} throttled` : "",
    items.failed > 0 ? `${formatCount(items.failed)} failed (${failures.join(", ")})` : "",
    cost === undefined ? "" : formatMoney(cost.spent, cost.currency),
  ];
  return `${formatPercent(share(snapshot)).padStart(6)}  ${parts.filter((part) => part !== "").join(", ")}`;
}
