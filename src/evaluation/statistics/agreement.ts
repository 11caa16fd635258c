/** How ratings are compared: as names, as ranks, or as numbers. */
export type RatingScale = "nominal" | "ordinal" | "interval";

/**
 * Krippendorff's alpha of several judges: 1 for perfect agreement, 0 for agreement by chance. `units` has the ratings of
 * each rated unit; units with fewer than two ratings are ignored. NaN if there is nothing to compare, or all ratings are
 * alike. (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011.)
 */
export function krippendorffAlpha(units: readonly (readonly number[])[], scale: RatingScale): number {
  const pairable = units.filter((ratings) => ratings.length > 1);
  const values = [...new Set(pairable.flat())].sort((a, b) => a - b);
  const totals = values.map((value) =>
    pairable.reduce((sum, unit) => sum + unit.filter((one) => one === value).length, 0),
  );
  const distance = createDistance(values, totals, scale);
  const total = totals.reduce((sum, count) => sum + count, 0);
  let observed = 0;
  for (const unit of pairable) {
    const positions = unit.map((value) => values.indexOf(value));
    for (const a of positions) for (const b of positions) observed += distance(a, b) / (unit.length - 1);
  }
  let expected = 0;
  for (const [a, countA] of totals.entries()) {
    for (const [b, countB] of totals.entries()) expected += (countA * countB * distance(a, b)) / (total - 1);
  }
  return expected === 0 ? Number.NaN : 1 - observed / expected;
}

/** The squared difference of the values at two positions of the sorted list. */
function createDistance(values: readonly number[], totals: readonly number[], scale: RatingScale) {
  return (a: number, b: number): number => {
    if (a === b) return 0;
    if (scale === "nominal") return 1;
    if (scale === "interval") return ((values[a] ?? 0) - (values[b] ?? 0)) ** 2;
    const [low, high] = a < b ? [a, b] : [b, a];
    const between = totals.slice(low, high + 1).reduce((sum, count) => sum + count, 0);
    return (between - ((totals[low] ?? 0) + (totals[high] ?? 0)) / 2) ** 2;
  };
}
