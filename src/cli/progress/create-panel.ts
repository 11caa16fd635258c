import { createLogUpdate } from "log-update";
import picocolors from "picocolors";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { truncate } from "#src/cli/format/text-width.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { describeEvent, describePlanning } from "./describe-event.ts";
import { describeRunEnd } from "./describe-run-end.ts";
import { renderPanel } from "./render-panel.ts";
import type { OutputStream, ReporterClock, RunEnd, RunEvent, RunReporter, RunStart } from "./run-reporter.ts";

/** Four frames per second look live, and their cost is not measurable. */
const PAINT_INTERVAL_MS = 250;
const NOTICE_TTL_MS = 30_000;
const DEFAULT_COLUMNS = 80;
/** Has no visible effect. */
const NOOP_ESCAPE = "\u001b[0m";

export interface PanelSettings {
  readonly color: boolean;
  readonly clock: ReporterClock;
}

/** A panel that is redrawn in place. The last frame stays on screen when it is closed. */
export function createPanel(out: OutputStream, settings: PanelSettings): RunReporter {
  return new Panel(out, settings);
}

class Panel implements RunReporter {
  readonly #out: OutputStream;
  readonly #settings: PanelSettings;
  readonly #update: ReturnType<typeof createLogUpdate>;
  #planning: string | undefined;
  #start: RunStart | undefined;
  #snapshot: RunSnapshot | undefined;
  #notice: { readonly text: string; readonly at: number } | undefined;
  #paintedAt = Number.NEGATIVE_INFINITY;
  #isOddFrame = false;
  /** Redraws between snapshots, so that countdowns continue and a resized terminal is filled. */
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(out: OutputStream, settings: PanelSettings) {
    this.#out = out;
    this.#settings = settings;
    // The cursor stays visible: a killed process could not show it again.
    this.#update = createLogUpdate(out, { defaultWidth: DEFAULT_COLUMNS, showCursor: true });
  }

  planning(progress: PlanProgress): void {
    this.#planning = describePlanning(progress);
    this.#paintIfDue();
  }

  event(event: RunEvent): void {
    this.#notice = { text: describeEvent(event), at: this.#settings.clock.monotonic() };
    this.#paintIfDue();
  }

  start(start: RunStart): void {
    this.#start = start;
    this.#paint();
  }

  progress(snapshot: RunSnapshot): void {
    this.#snapshot = snapshot;
    this.#paintIfDue();
  }

  end(end: RunEnd): void {
    if (end.outcome === "finished" && this.#snapshot !== undefined) {
      this.#snapshot = createFinalSnapshot(this.#snapshot, end.report, this.#settings.clock.now());
      this.#notice = undefined;
    }
    const gap = this.#start === undefined || this.#isClosed ? "" : "\n";
    this.close();
    this.#out.write(`${gap}${describeRunEnd(end, { isBrief: this.#snapshot !== undefined }).join("\n")}\n`);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    // The planning progress is irrelevant once the command has reported why it ends.
    if (this.#start === undefined) this.#update.clear();
    else this.#draw();
    this.#update.done();
  }

  #paintIfDue(): void {
    if (this.#settings.clock.monotonic() - this.#paintedAt >= PAINT_INTERVAL_MS) this.#paint();
  }

  #paint(): void {
    if (this.#isClosed) return;
    this.#timer ??= setInterval(() => this.#paintIfDue(), PAINT_INTERVAL_MS).unref();
    this.#draw();
  }

  #draw(): void {
    const { clock } = this.#settings;
    this.#paintedAt = clock.monotonic();
    const frame = this.#frame(clock.now());
    if (frame === "") return;
    // log-update redraws only changed lines, and loses some when lines appear or disappear in the middle. A first line that
    // always changes makes it redraw all of them.
    this.#isOddFrame = !this.#isOddFrame;
    this.#update(this.#isOddFrame ? frame : NOOP_ESCAPE + frame);
  }

  #frame(now: number): string {
    const { color } = this.#settings;
    const width = this.#out.columns ?? DEFAULT_COLUMNS;
    const notice =
      this.#notice !== undefined && this.#settings.clock.monotonic() - this.#notice.at < NOTICE_TTL_MS
        ? this.#notice.text
        : undefined;
    const shared = { width, color, now, notice };
    if (this.#snapshot !== undefined) {
      return renderPanel(this.#snapshot, { ...shared, output: this.#start?.output });
    }
    const { dim, bold } = picocolors.createColors(color);
    const state = this.#start === undefined ? this.#planning : `${this.#start.model}  starting`;
    if (state === undefined && notice === undefined) return "";
    const room = Math.max(20, width - 8);
    const lines = [`${bold("sluice")}  ${dim(truncate(sanitize(state ?? ""), room))}`];
    if (notice !== undefined) lines.push(truncate(notice, Math.max(20, width)));
    return lines.join("\n");
  }
}

/** The last frame: the numbers of the report, with duration and rates over all sessions of the run. */
function createFinalSnapshot(snapshot: RunSnapshot, report: RunManifest, now: number): RunSnapshot {
  const { succeeded, failed, total } = report.items;
  return {
    ...snapshot,
    phase: "done",
    etaMs: undefined,
    startedAt: now - report.activeMs,
    items: { total, succeeded, failed, inFlight: 0 },
    failuresByKind: report.failuresByKind,
    tokens: report.tokens,
    snoozes: report.snoozes,
    calls: {
      made: report.calls.made,
      succeeded: report.calls.answered,
      paidTwice: report.calls.paidTwice,
      throttled: report.calls.throttled,
      isLowerBound: report.calls.isLowerBound,
    },
    lanes: [],
    batchFill: report.batchFill ?? snapshot.batchFill,
    cost: report.cost ? { spent: report.cost.amount, currency: report.cost.currency } : snapshot.cost,
    costs: report.costs ?? snapshot.costs,
    ...computeAverages(report),
  };
}

function computeAverages({ activeMs, items, calls, tokens }: RunManifest) {
  if (activeMs <= 0) return {};
  const seconds = activeMs / 1000;
  return {
    itemsPerSecond: (items.succeeded + items.failed) / seconds,
    callsPerSecond: calls.made / seconds,
    tokensPerSecond: tokens / seconds,
  };
}
