/** How far a run was at a moment. Counts only grow. */
export interface ProgressSample {
  /** Epoch ms. */
  readonly at: number;
  readonly items: number;
  readonly calls: number;
  readonly tokens: number;
}

/** What is not known is absent: no rate before there is a second to look at, no end in sight while nothing moves. */
export interface ProgressEstimate {
  readonly itemsPerSecond?: number;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly etaMs?: number;
}

/** Short enough for rates to show a change while somebody looks. */
const RATE_WINDOW_MS = 20_000;
/**
 * Two of the providers' windows of a minute. Where a minute's share is spent at once, rates fall to zero for most of
 * it; over whole windows the average is the same at every moment, so the time remaining neither jumps nor vanishes.
 */
const ETA_WINDOW_MS = 120_000;
const MIN_SPAN_MS = 900;
const MIN_DISTANCE_MS = 250;

/** The samples that later estimates need, with the new one: two minutes' worth, some per second. */
export function keepSamples(samples: readonly ProgressSample[], sample: ProgressSample): ProgressSample[] {
  const beforeLast = samples.at(-2);
  const isCrowded = beforeLast !== undefined && sample.at - beforeLast.at < MIN_DISTANCE_MS;
  const kept = isCrowded ? samples.slice(0, -1) : samples;
  // The last sample before the window stays, so that the window is always filled.
  const first = kept.findLastIndex((one) => one.at <= sample.at - ETA_WINDOW_MS);
  return [...kept.slice(Math.max(0, first)), sample];
}

/** Rates over the last seconds, and the time that `missing` more items take at the pace of the last minutes. */
export function estimateProgress(samples: readonly ProgressSample[], missing: number): ProgressEstimate {
  const rate = slope(samples, ETA_WINDOW_MS)?.items ?? 0;
  const eta = missing === 0 ? 0 : rate > 0 ? Math.round((missing / rate) * 1000) : undefined;
  const rates = slope(samples, RATE_WINDOW_MS);
  return {
    ...(rates === undefined
      ? {}
      : { itemsPerSecond: rates.items, callsPerSecond: rates.calls, tokensPerSecond: rates.tokens }),
    etaMs: eta,
  };
}

/** Growth per second over the window that ends with the last sample. */
function slope(samples: readonly ProgressSample[], windowMs: number) {
  const last = samples.at(-1);
  if (last === undefined) return undefined;
  const first = samples.findLast((one) => one.at <= last.at - windowMs) ?? samples[0];
  if (first === undefined || last.at - first.at < MIN_SPAN_MS) return undefined;
  const seconds = (last.at - first.at) / 1000;
  return {
    items: (last.items - first.items) / seconds,
    calls: (last.calls - first.calls) / seconds,
    tokens: (last.tokens - first.tokens) / seconds,
  };
}
