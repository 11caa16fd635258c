import picocolors from "picocolors";
import { formatCountdown, formatDuration } from "#src/cli/format/format-duration.ts";
import {
  formatCount,
  formatMany,
  formatMoney,
  formatPercent,
  formatRate,
  formatShortCount,
  UNKNOWN_VALUE,
} from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { textWidth, truncate } from "#src/cli/format/text-width.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { PHASE_LABELS } from "./describe-event.ts";
import { type Colors, drawBar, GUTTER, layoutCells } from "./panel-layout.ts";
import { renderLanes } from "./render-lanes.ts";

export interface PanelOptions {
  /** Columns of the terminal; fewer than 40 count as 40. */
  readonly width: number;
  readonly color: boolean;
  /** Epoch ms. */
  readonly now: number;
  /** The output folder. */
  readonly output?: string;
  /** The latest event, as one sentence. */
  readonly notice?: string;
}

const MIN_WIDTH = 40;
/** Longer lines are hard to read, so wider terminals are not filled. */
const MAX_WIDTH = 96;
/** Widths of "100 %  " before the bar and of "12 min 04 s left" behind it, so that the bar keeps its length. */
const PERCENT_WIDTH = 8;
const REMAINING_WIDTH = 18;
const NARROW = 60;

/** The panel as text without a trailing line break; no line is wider than `width`. */
export function renderPanel(snapshot: RunSnapshot, options: PanelOptions): string {
  const colors = picocolors.createColors(options.color);
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, options.width));
  const failures = Object.entries(snapshot.failuresByKind).filter(([, count]) => count > 0);
  const blocks = [
    [renderTitle(snapshot, width, options.output, colors)],
    renderProgress(snapshot, width, options.now, colors),
    renderStats(snapshot, width, colors),
    renderLanes(snapshot.lanes, width, options.now, colors),
    renderOutage(snapshot, width, options.now, colors),
    failures.length === 0
      ? []
      : layoutCells(
          "failures",
          failures.map(([kind, n]) => `${sanitize(kind)} ${formatCount(n)}`),
          width,
          colors,
        ),
    options.notice === undefined ? [] : [colors.yellow(truncate(sanitize(options.notice), width))],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** The error of the newest call while no call succeeds; in two lines, because an address may be long. */
function renderOutage({ trouble }: RunSnapshot, width: number, now: number, colors: Colors): string[] {
  if (trouble === undefined) return [];
  const { address, kind, message, since } = trouble;
  const from = address === undefined ? "" : ` from ${sanitize(address)}`;
  return [
    colors.red(truncate(`no answers${from} for ${formatDuration(now - since)}`, width)),
    truncate(`  ${sanitize(`${kind}: ${message}`)}`, width),
  ];
}

/** The complete model, then run and folder as far as they fit. */
function renderTitle(snapshot: RunSnapshot, width: number, output: string | undefined, colors: Colors): string {
  const name = "sluice";
  const model = truncate(sanitize(snapshot.model), width - name.length - 2);
  const rest = `run ${sanitize(snapshot.name ?? snapshot.runId)}${output === undefined ? "" : `  to ${sanitize(output)}`}`;
  const room = width - name.length - 2 - textWidth(model) - 2;
  const line = `${colors.bold(name)}  ${colors.cyan(model)}`;
  return room < 12 ? line : `${line}  ${colors.dim(truncate(rest, room))}`;
}

function renderProgress(snapshot: RunSnapshot, width: number, now: number, colors: Colors): string[] {
  const { total, succeeded, failed } = snapshot.items;
  const isPlanning = snapshot.phase === "planning";
  const share = total > 0 ? Math.min(1, (succeeded + failed) / total) : snapshot.phase === "done" ? 1 : 0;
  const percent = isPlanning ? UNKNOWN_VALUE : formatPercent(share);
  const strong = snapshot.phase === "parked" ? colors.red : colors.green;
  const remaining = describeRemaining(snapshot, now);
  if (width < NARROW) {
    const room = width - PERCENT_WIDTH;
    return [
      colors.bold(percent.padEnd(PERCENT_WIDTH)) + drawBar(share, room, strong, colors),
      " ".repeat(PERCENT_WIDTH) + truncate(remaining, room),
    ];
  }
  const bar = drawBar(share, width - PERCENT_WIDTH - REMAINING_WIDTH - 2, strong, colors);
  return [`${colors.bold(percent.padEnd(PERCENT_WIDTH))}${bar}  ${truncate(remaining, REMAINING_WIDTH)}`];
}

function describeRemaining(snapshot: RunSnapshot, now: number): string {
  const { phase, etaMs, startedAt, heldUntil } = snapshot;
  if (phase === "done") return `in ${formatDuration(now - startedAt)}`;
  if (phase === "snoozing" && heldUntil !== undefined) return describeHold(heldUntil, now);
  if (etaMs !== undefined && (phase === "running" || phase === "snoozing")) return `${formatCountdown(etaMs)} left`;
  return PHASE_LABELS[phase] ?? `${UNKNOWN_VALUE} left`;
}

/** "until 16:30 UTC", or, more than a day ahead, "until 12-05 16:30" */
function describeHold(until: number, now: number): string {
  const [date = "", time = ""] = new Date(until).toISOString().slice(5, 16).split("T");
  return until - now < 86_400_000 ? `until ${time} UTC` : `until ${date} ${time}`;
}

function renderStats(snapshot: RunSnapshot, width: number, colors: Colors): string[] {
  const { items, calls } = snapshot;
  const done = items.succeeded + items.failed;
  const isDone = snapshot.phase === "done";
  const { workers } = snapshot;
  const atLeast = calls.isLowerBound ? "at least " : "";
  return [
    ...layoutCells(
      "items",
      [
        `${formatCount(done)} of ${snapshot.phase === "planning" ? UNKNOWN_VALUE : formatCount(items.total)}`,
        isDone ? [] : `${formatCount(items.inFlight)} queued`,
        items.failed === 0 ? colors.dim("0 failed") : colors.red(`${formatCount(items.failed)} failed`),
      ].flat(),
      width,
      colors,
    ),
    ...layoutCells(
      "speed",
      [
        `${formatRate(snapshot.itemsPerSecond)} items/s`,
        `${formatRate(snapshot.callsPerSecond)} calls/s`,
        `${formatShortCount(snapshot.tokensPerSecond)} tokens/s`,
        isDone ? [] : workers === 0 ? colors.red("0 workers") : formatMany(workers, "worker"),
      ].flat(),
      width,
      colors,
    ),
    ...layoutCells(
      "calls",
      [
        `${atLeast}${formatCount(calls.made)} made`,
        `${formatPercent(snapshot.batchFill)} full`,
        calls.throttled === 0 ? [] : `${formatCount(calls.throttled)} throttled`,
        snapshot.snoozes === 0 ? [] : `${formatCount(snapshot.snoozes)} deferred`,
        calls.paidTwice === 0 ? [] : colors.yellow(`${atLeast}${formatCount(calls.paidTwice)} duplicate`),
        calls.isLowerBound ? colors.dim("Redis lost counts") : [],
      ].flat(),
      width,
      colors,
    ),
    ...layoutCells("tokens", [describeTokens(snapshot, done)], width, colors),
    ...renderSavings(snapshot, width, colors),
    ...renderCost(snapshot, width, colors),
  ];
}

/** Used and expected tokens; by default, the expectation is the average per finished item times all items. */
function describeTokens(snapshot: RunSnapshot, done: number): string {
  const { tokens, items, phase } = snapshot;
  if (phase === "done") return formatShortCount(tokens);
  if (done === 0 || tokens === 0 || done >= items.total) return formatShortCount(tokens);
  const expected = snapshot.expectedTokens ?? (tokens / done) * items.total;
  return `${formatShortCount(tokens)} of ~${formatShortCount(expected)}`;
}

/** Shown only if something was saved: most runs have neither duplicates nor a cache. */
function renderSavings({ reused }: RunSnapshot, width: number, colors: Colors): string[] {
  if (reused === undefined) return [];
  const { copies, cached, calls, cost } = reused;
  const money = cost === undefined ? [] : formatMoney(cost.amount, cost.currency);
  const saved = [calls === 0 ? [] : formatMany(calls, "call"), money].flat().join(", ");
  return layoutCells(
    "reused",
    [
      copies === 0 ? [] : formatMany(copies, "duplicate"),
      cached === 0 ? [] : `${formatCount(cached)} cached`,
      saved === "" ? [] : `${saved} saved`,
    ].flat(),
    width,
    colors,
  );
}

/** Further models are counted. */
const SHOWN_MODELS = 6;

function renderCost(snapshot: RunSnapshot, width: number, colors: Colors): string[] {
  const { cost, costs = [] } = snapshot;
  const cells = costs.slice(0, SHOWN_MODELS).map(({ model, cost: spent }) => {
    const price = spent ? formatMoney(spent.amount, spent.currency) : "price unknown";
    return truncate(`${model} ${price}`, width - GUTTER);
  });
  const more = costs.length > SHOWN_MODELS ? `${costs.length - SHOWN_MODELS} more` : [];
  const perModel = layoutCells(cost === undefined ? "cost" : "", [cells, more].flat(), width, colors);
  return [...renderTotalCost(snapshot, width, colors), ...perModel];
}

function renderTotalCost(snapshot: RunSnapshot, width: number, colors: Colors): string[] {
  const { cost } = snapshot;
  if (cost === undefined) return [];
  const spent = formatMoney(cost.spent, cost.currency);
  if (snapshot.phase === "done" || cost.expected === undefined) return layoutCells("cost", [spent], width, colors);
  const expected = `of ~${formatMoney(cost.expected, cost.currency)}`;
  const text = `${spent} ${expected}`;
  const canFit = textWidth(text) <= width - GUTTER;
  return layoutCells("cost", canFit ? [text] : [spent, expected], width, colors);
}
