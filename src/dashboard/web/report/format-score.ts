import type { ScoreRange } from "#src/evaluation/scorer.ts";

/** "81.2 %", or "12.345" for scores that are no shares. */
export function formatScore(value: number | null, range: ScoreRange): string {
  if (value === null || Number.isNaN(value)) return "–";
  return range === "number" ? value.toFixed(3) : `${(value * 100).toFixed(1)} %`;
}

/** A signed difference: in points for scores between 0 and 1. */
export function formatScoreDifference(value: number, range: ScoreRange): string {
  const text = range === "number" ? value.toFixed(3) : (value * 100).toFixed(1);
  return value > 0 ? `+${text}` : text.replace("-", "−");
}

/** "81.2 % (78.1 to 84.0)" without words, which differ between languages. */
export function formatEstimate(
  mean: number | null,
  interval: { readonly low: number; readonly high: number } | null,
  format: (value: number) => string,
): string {
  if (mean === null) return "–";
  return interval === null ? format(mean) : `${format(mean)} [${format(interval.low)}, ${format(interval.high)}]`;
}

export function formatPValue(value: number): string {
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

/** Limits of scores on the axes of charts. */
export function boundsOf(range: ScoreRange): readonly [number, number] | undefined {
  return range === "number" ? undefined : [0, 1];
}
