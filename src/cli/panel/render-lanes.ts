import type { LaneSnapshot, ShareSnapshot } from "../../producer/run-snapshot.ts";
import { formatCountdown } from "../format/format-duration.ts";
import { formatShortCount, UNKNOWN } from "../format/format-number.ts";
import { sanitize } from "../format/sanitize.ts";
import { pad, truncate } from "../format/text-width.ts";
import { type Colors, drawBar, GUTTER, shownWidth } from "./panel-layout.ts";

/** More lanes than this would push the rest of the panel off a small terminal. */
const MAX_LANES = 6;
const BAR = 6;
const WIDE = 76;

const DIMENSIONS = [
  ["requests/min", "requests"],
  ["tokens/min", "tokens"],
  ["in flight", "concurrency"],
] as const;

/** How much of its limits each lane uses, and what holds it up. Lanes that are held up come first. */
export function renderLanes(
  lanes: readonly LaneSnapshot[],
  width: number,
  now: number,
  colors: Colors,
): string[] {
  if (lanes.length === 0) return [];
  const held = (lane: LaneSnapshot) => (lane.state === "parked" ? 0 : lane.state === "snoozed" ? 1 : 2);
  const shown = [...lanes].sort((a, b) => held(a) - held(b)).slice(0, MAX_LANES);
  const lines = width >= WIDE ? table(shown, width, now, colors) : stack(shown, width, now, colors);
  if (lanes.length > shown.length) lines.push(colors.dim(`and ${lanes.length - shown.length} more`));
  if (shown.some((lane) => DIMENSIONS.some(([, dimension]) => isLearned(lane[dimension])))) {
    lines.push(colors.dim(truncate("* learned: the provider refused more than this", width)));
  }
  return lines;
}

function table(lanes: readonly LaneSnapshot[], width: number, now: number, colors: Colors): string[] {
  const cell = Math.floor((width - 16) / 3.2);
  const nameWidth = width - 3 * cell;
  const title = pad("limits", nameWidth) + DIMENSIONS.map(([name]) => pad(name, cell)).join("");
  const lines = [colors.dim(title.trimEnd())];
  for (const lane of lanes) {
    const shares = DIMENSIONS.map(([, dimension]) => {
      const share = drawShare(lane[dimension], colors);
      return share + " ".repeat(Math.max(1, cell - shownWidth(share)));
    });
    lines.push(`${pad(truncate(sanitize(lane.name), nameWidth - 2), nameWidth)}${shares.join("").trimEnd()}`);
    lines.push(...heldUp(lane, width, now, colors));
  }
  return lines;
}

function stack(lanes: readonly LaneSnapshot[], width: number, now: number, colors: Colors): string[] {
  return lanes.flatMap((lane) => [
    truncate(sanitize(lane.name), width),
    ...DIMENSIONS.map(
      ([name, dimension]) =>
        `${colors.dim(pad(`  ${name}`, GUTTER + 5))}${drawShare(lane[dimension], colors)}`,
    ),
    ...heldUp(lane, width, now, colors),
  ]);
}

function heldUp(lane: LaneSnapshot, width: number, now: number, colors: Colors): string[] {
  if (lane.state === "open") return [];
  const reason = lane.reason === undefined ? "" : `: ${sanitize(lane.reason)}`;
  if (lane.state === "parked") return [colors.red(truncate(`  parked${reason}`, width))];
  const left = lane.snoozeUntil === undefined ? "" : ` ${formatCountdown(lane.snoozeUntil - now)}`;
  return [colors.yellow(truncate(`  snoozing${left}${reason}`, width))];
}

function isLearned(share: ShareSnapshot): boolean {
  return share.learned !== undefined && (share.allowed === undefined || share.learned < share.allowed);
}

/** "━━━━── 480 of 600"; without a known limit only what is used, and "-" where nothing is known to be used. */
function drawShare(share: ShareSnapshot, colors: Colors): string {
  const learned = isLearned(share);
  const limit = learned ? share.learned : share.allowed;
  if (limit === undefined) return share.used === 0 ? UNKNOWN : formatShortCount(share.used);
  const part = limit > 0 ? share.used / limit : 0;
  const bar = drawBar(part, BAR, learned ? colors.yellow : colors.cyan, colors);
  return `${bar} ${formatShortCount(share.used)} of ${formatShortCount(Math.floor(limit))}${learned ? "*" : ""}`;
}
