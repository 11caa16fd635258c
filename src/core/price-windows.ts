/** Times, in UTC, at which the rates differ. */
export interface PriceWindow {
  /** Days on which the window begins: 0 (Sunday) to 6. By default every day. */
  readonly days?: readonly number[];
  /** "HH:MM". If the end is not after the start, the window ends on the next day. */
  readonly from: string;
  readonly to: string;
  /** Multiplies all rates. */
  readonly factor: number;
}

/** A period in which the prices are the lowest, epoch ms. */
export interface OffPeakPeriod {
  readonly start: number;
  readonly end: number;
}

const MINUTE_MS = 60_000;
const DAY = 1440;
const WEEK = 7 * DAY;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

/** The factor by which a price is multiplied at a time (epoch ms). */
export function findPriceFactor(windows: readonly PriceWindow[] | undefined, at: number): number {
  return findFactor(windows ?? [], toMinuteOfWeek(at));
}

/**
 * The period in which calls at these prices cost the least together: the current one, or the next one. Undefined if the
 * prices are always the same.
 */
export function findOffPeakPeriod(
  prices: readonly { readonly windows?: readonly PriceWindow[] }[],
  now: number,
): OffPeakPeriod | undefined {
  const sumFactors = (minute: number) => prices.reduce((sum, { windows = [] }) => sum + findFactor(windows, minute), 0);
  const current = toMinuteOfWeek(now);
  const delay = (minute: number) => ((minute - current + WEEK - 1) % WEEK) + 1;
  // The prices change at no other time. The last change is the one that led to the current prices.
  const changes = [...new Set(prices.flatMap(({ windows = [] }) => windows.flatMap(listChanges)))]
    .map((minute) => ({ minute, delay: delay(minute), factor: sumFactors(minute) }))
    .sort((a, b) => a.delay - b.delay);
  const lowest = Math.min(...changes.map(({ factor }) => factor));
  const isLowest = ({ factor }: { readonly factor: number }) => factor <= lowest;
  if (changes.every(isLowest)) return undefined;
  const minuteStart = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const toTime = (minutes: number) => minuteStart + minutes * MINUTE_MS;
  const start = sumFactors(current) <= lowest ? 0 : (changes.find(isLowest)?.delay ?? 0);
  const end =
    changes.find((change) => change.delay > start && !isLowest(change)) ?? changes.find((one) => !isLowest(one));
  const endDelay = end === undefined ? start : end.delay > start ? end.delay : end.delay + WEEK;
  return { start: start === 0 ? now : toTime(start), end: toTime(endDelay) };
}

function findFactor(windows: readonly PriceWindow[], minute: number): number {
  const window = windows.find((one) =>
    listStarts(one).some((start) => (minute - start + WEEK) % WEEK < getLength(one)),
  );
  return window?.factor ?? 1;
}

/** The minutes of the week at which a window starts and ends. */
function listChanges(window: PriceWindow): number[] {
  return listStarts(window).flatMap((start) => [start, (start + getLength(window)) % WEEK]);
}

function listStarts({ days = EVERY_DAY, from }: PriceWindow): number[] {
  return days.map((day) => day * DAY + toMinuteOfDay(from));
}

/** In minutes. A window that ends when it starts lasts a day. */
function getLength({ from, to }: PriceWindow): number {
  return ((toMinuteOfDay(to) - toMinuteOfDay(from) + DAY - 1) % DAY) + 1;
}

function toMinuteOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** Minutes since the start of Sunday, UTC. */
function toMinuteOfWeek(at: number): number {
  // The epoch began on a Thursday.
  return (Math.floor(at / MINUTE_MS) + 4 * DAY) % WEEK;
}
