import { formatCountdown } from "#src/cli/format/format-duration.ts";
import { formatLimitUnit } from "#src/cli/format/format-limits.ts";
import { formatShortCount, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { pad, truncate } from "#src/cli/format/text-width.ts";
import type { LaneSnapshot, LimitSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { describeHanging, describeNextCall, describeReason } from "./describe-event.ts";
import { type Colors, drawBar, GUTTER, shownWidth } from "./panel-layout.ts";

/** More lanes would push the rest of the panel off a small terminal. */
const MAX_LANES = 6;
const BAR = 5;
const WIDE = 76;

/** Title, field and columns; "━━━━─ 999k of 1.2M*" is the longest common cell. */
const DIMENSIONS = [
  ["requests/min", "requests", 20],
  ["tokens/min", "tokens", 22],
  ["in flight", "concurrency", 16],
] as const;
const LIMITS_WIDTH = DIMENSIONS.reduce((sum, [, , columns]) => sum + columns, 0);
const MAX_NAME = 34;

/** The limits of each lane and its use of them. If there are too many lanes, parked and snoozed ones come first. */
export function renderLanes(lanes: readonly LaneSnapshot[], width: number, now: number, colors: Colors): string[] {
  if (lanes.length === 0) return [];
  const shown = chooseLanes(lanes);
  const canFit = width >= WIDE && shown.every((lane) => fitsColumns(lane, colors));
  const lines = canFit ? renderTable(shown, width, now, colors) : renderStacked(shown, width, now, colors);
  if (lanes.length > shown.length) lines.push(colors.dim(`and ${lanes.length - shown.length} more`));
  if (shown.some((lane) => listLimits(lane).some(isLearned))) {
    lines.push(colors.dim(truncate("* lowered after the provider refused more", width)));
  }
  if (shown.some((lane) => listLimits(lane).some(({ set }) => set))) {
    lines.push(colors.dim(truncate("! manual limit", width)));
  }
  return lines;
}

function listLimits({ requests, tokens, concurrency, windows = [] }: LaneSnapshot): LimitSnapshot[] {
  return [requests, tokens, concurrency, ...windows];
}

/** All lanes keep their order if they fit, so that nothing moves when a lane snoozes for a moment. */
function chooseLanes(lanes: readonly LaneSnapshot[]): readonly LaneSnapshot[] {
  if (lanes.length <= MAX_LANES) return lanes;
  const rank = { parked: 0, snoozed: 1, open: 2 };
  return [...lanes].sort((a, b) => rank[a.state] - rank[b.state]).slice(0, MAX_LANES);
}

/** If a cell is too long for its column, the lanes are stacked as on a narrow terminal. */
function fitsColumns(lane: LaneSnapshot, colors: Colors): boolean {
  return DIMENSIONS.every(([, dimension, columns]) => shownWidth(drawShare(lane[dimension], colors)) < columns);
}

function renderTable(lanes: readonly LaneSnapshot[], width: number, now: number, colors: Colors): string[] {
  const nameWidth = Math.min(MAX_NAME, width - LIMITS_WIDTH);
  const titles = DIMENSIONS.map(([title, , columns]) => pad(title, columns)).join("");
  const lines = [colors.dim(pad("limits", nameWidth) + titles.trimEnd())];
  for (const lane of lanes) {
    const shares = DIMENSIONS.map(([, dimension, columns]) => {
      const share = drawShare(lane[dimension], colors);
      return share + " ".repeat(Math.max(1, columns - shownWidth(share)));
    });
    const name = pad(truncate(sanitize(lane.name), nameWidth - 2), nameWidth);
    lines.push(name + shares.join("").trimEnd(), ...renderHold(lane, width, now, colors));
  }
  return lines;
}

function renderStacked(lanes: readonly LaneSnapshot[], width: number, now: number, colors: Colors): string[] {
  return lanes.flatMap((lane) => [
    truncate(sanitize(lane.name), width),
    ...DIMENSIONS.map(
      ([name, dimension]) => `${colors.dim(pad(`  ${name}`, GUTTER + 5))}${drawShare(lane[dimension], colors)}`,
    ),
    ...renderHold(lane, width, now, colors),
  ]);
}

/** Limits per second, hour, and day, and why the lane makes no calls; for an open lane, what is left of a daily limit. */
function renderHold(lane: LaneSnapshot, width: number, now: number, colors: Colors): string[] {
  return [...renderWindows(lane, width, colors), ...renderState(lane, width, now, colors)];
}

/** "  812 of 1k requests/day, 3 of 5 requests/s" */
function renderWindows({ windows = [] }: LaneSnapshot, width: number, colors: Colors): string[] {
  if (windows.length === 0) return [];
  const parts = windows.map((usage) => {
    const { limit, mark } = findShownLimit(usage);
    const unit = formatLimitUnit(usage.dimension, usage.window);
    return `${formatShortCount(usage.used)} of ${formatShortCount(limit)}${mark} ${unit}`;
  });
  return [colors.dim(truncate(`  ${parts.join(", ")}`, width))];
}

function renderState(lane: LaneSnapshot, width: number, now: number, colors: Colors): string[] {
  if (lane.state === "open") {
    const notes = [
      lane.hanging && describeHanging(lane.hanging),
      lane.nextCallAt === undefined ? undefined : describeNextCall(lane.nextCallAt, now),
    ].filter((note) => note !== undefined);
    const warnings = notes.map((note) => colors.yellow(truncate(`  ${note}`, width)));
    return [...warnings, ...renderQuotas(lane, width, now, colors)];
  }
  const reason = lane.reason === undefined ? "" : `: ${sanitize(describeReason(lane.reason))}`;
  if (lane.state === "parked") return [colors.red(truncate(`  parked${reason}`, width))];
  const left = lane.snoozeUntil === undefined ? "" : ` for ${formatCountdown(lane.snoozeUntil - now)}`;
  return [colors.yellow(truncate(`  snoozed${left}${reason}`, width))];
}

function renderQuotas(lane: LaneSnapshot, width: number, now: number, colors: Colors): string[] {
  return (["requests", "tokens"] as const).flatMap((dimension) => {
    const { quota } = lane[dimension];
    if (!quota) return [];
    const left = `${formatShortCount(quota.left)} of ${formatShortCount(quota.limit)} ${dimension} left`;
    return colors.dim(truncate(`  ${left}, more in ${formatCountdown(quota.resetAt - now)}`, width));
  });
}

function isLearned(share: LimitSnapshot): boolean {
  return share.learned !== undefined && (share.allowed === undefined || share.learned < share.allowed);
}

/** "━━━━── 480 of 600"; without a known limit only the use, or "-" if that is 0. */
function drawShare(share: LimitSnapshot, colors: Colors): string {
  const { limit, mark } = findShownLimit(share);
  if (limit === undefined) return share.used === 0 ? UNKNOWN_VALUE : formatShortCount(share.used);
  const part = limit > 0 ? share.used / limit : 0;
  const bar = drawBar(part, BAR, mark === "*" ? colors.yellow : colors.cyan, colors);
  return `${bar} ${formatShortCount(share.used)} of ${formatShortCount(Math.floor(limit))}${mark}`;
}

/** The limit in force. "*" marks a learned limit and "!" a manual one. */
function findShownLimit(share: LimitSnapshot): { readonly limit: number | undefined; readonly mark: string } {
  if (isLearned(share)) return { limit: share.learned, mark: "*" };
  return { limit: share.allowed, mark: share.set ? "!" : "" };
}
