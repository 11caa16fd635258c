/** The progress of a run at one moment. Counts never decrease. */
export interface ProgressSample {
  /** Epoch ms. */
  readonly at: number;
  readonly items: number;
  readonly calls: number;
  readonly tokens: number;
}

/** Unknown values are undefined: rates in the first second, the remaining time while nothing makes progress. */
export interface ProgressEstimate {
  readonly itemsPerSecond?: number;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly etaMs?: number;
}

/** Short enough for a viewer to see changes. */
const RATE_WINDOW_MS = 20_000;
/**
 * Two of the providers' one-minute windows. If a window is spent at once, the rate is zero for most of the minute. The
 * average over whole windows is constant, so the remaining time neither jumps nor disappears.
 */
const ETA_WINDOW_MS = 120_000;
const MIN_SPAN_MS = 900;
const MIN_DISTANCE_MS = 250;

/** Adds a sample and keeps what later estimates need: two minutes, a few samples per second. */
export function keepSamples(samples: readonly ProgressSample[], sample: ProgressSample): ProgressSample[] {
  const beforeLast = samples.at(-2);
  const isCrowded = beforeLast !== undefined && sample.at - beforeLast.at < MIN_DISTANCE_MS;
  const kept = isCrowded ? samples.slice(0, -1) : samples;
  // The last sample before the window is kept, so that the samples always span the whole window.
  const first = kept.findLastIndex((one) => one.at <= sample.at - ETA_WINDOW_MS);
  return [...kept.slice(Math.max(0, first)), sample];
}

/** Rates over the last 20 s, and the time that `missing` items take at the average rate of the last 2 min. */
export function estimateProgress(samples: readonly ProgressSample[], missing: number): ProgressEstimate {
  const rate = slope(samples, ETA_WINDOW_MS)?.items ?? 0;
  const eta = missing === 0 ? 0 : rate > 0 ? Math.round((missing / rate) * 1000) : undefined;
  const rates = slope(samples, RATE_WINDOW_MS);
  return {
    itemsPerSecond: rates?.items,
    callsPerSecond: rates?.calls,
    tokensPerSecond: rates?.tokens,
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
