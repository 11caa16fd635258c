/** Distances between time labels, in ms. */
const TIME_STEPS_MS = [
  1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800,
  1_209_600, 2_419_200, 7_862_400, 15_724_800, 31_449_600,
].map((seconds) => seconds * 1_000);
const DAY_MS = 86_400_000;
const MAX_TIME_LABELS = 5;
const MAX_VALUE_STEPS = 4;

/** Round values from 0 to at least `max`, at most five: [0, 50, 100, 150]. Pure. */
export function listValueTicks(max: number): number[] {
  if (!(max > 0)) return [0];
  const magnitude = 10 ** Math.floor(Math.log10(max / MAX_VALUE_STEPS));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((size) => size * MAX_VALUE_STEPS >= max);
  const size = step ?? 10 * magnitude;
  return Array.from({ length: Math.ceil(max / size - 1e-9) + 1 }, (_, index) => Number((index * size).toPrecision(12)));
}

/** Round local times within a period (epoch ms) with their labels, "14:05", "14:05:30", or "11-30"; at most five. Pure. */
export function listTimeTicks(from: number, to: number): { readonly at: number; readonly label: string }[] {
  const step = TIME_STEPS_MS.find((size) => (to - from) / size < MAX_TIME_LABELS) ?? to - from;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const ticks: { at: number; label: string }[] = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step)
    ticks.push({ at, label: step < DAY_MS ? formatClockTime(at, step < 60_000) : formatDay(at) });
  return ticks;
}

function formatDay(at: number): string {
  const date = new Date(at);
  return [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

function formatClockTime(at: number, withSeconds: boolean): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), ...(withSeconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** The position of a time as a share of the period, 0 to 1; limited to the period. Pure. */
export function getTimeShare(at: number, times: readonly number[]): number {
  const [from = 0, to = 0] = [times[0], times.at(-1)];
  return to <= from ? 0 : Math.min(1, Math.max(0, (at - from) / (to - from)));
}

/** The index of the step that is nearest to a share of the period, 0 to 1. Pure. */
export function findNearestStep(share: number, times: readonly number[]): number {
  const [from = 0, to = 0] = [times[0], times.at(-1)];
  const wanted = from + share * (to - from);
  const after = times.findIndex((at) => at >= wanted);
  if (after <= 0) return after < 0 ? times.length - 1 : 0;
  return wanted - (times[after - 1] ?? 0) < (times[after] ?? 0) - wanted ? after - 1 : after;
}
