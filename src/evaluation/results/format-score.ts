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

/** "< 0.001" or "0.042" */
export function formatPValue(value: number): string {
  return value < 0.001 ? "< 0.001" : value.toFixed(3);
}

/** Limits of scores on the axes of charts. */
export function boundsOf(range: ScoreRange): readonly [number, number] | undefined {
  return range === "number" ? undefined : [0, 1];
}

/** A label of an axis with as many digits as its steps need. */
export function formatScoreTick(range: ScoreRange, isDifference = false): (value: number, step: number) => string {
  const [factor, unit] = range === "number" ? [1, ""] : [100, isDifference ? "" : " %"];
  return (value, step) => {
    const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step * factor) - 1e-9)));
    const text = (value * factor).toFixed(digits);
    // Rounding may leave "-0".
    const shown = Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
    return `${isDifference && Number(text) > 0 ? "+" : ""}${shown}${unit}`;
  };
}
