/** P-values of several tests, adjusted by Holm's method: the chance of any false finding stays below the level. */
export function adjustHolm(pValues: readonly number[]): number[] {
  let largest = 0;
  return adjustInOrder(pValues, ascending(pValues), (p, rank) => {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    return largest;
  });
}

/**
 * P-values adjusted by Benjamini and Hochberg's method: the expected share of false findings stays below the level. For
 * screening many tasks.
 */
export function adjustBenjaminiHochberg(pValues: readonly number[]): number[] {
  let smallest = 1;
  return adjustInOrder(pValues, ascending(pValues).reverse(), (p, rank) => {
    smallest = Math.min(smallest, (p * pValues.length) / (pValues.length - rank));
    return smallest;
  });
}

function ascending(pValues: readonly number[]): number[] {
  return pValues.map((_, index) => index).sort((a, b) => (pValues[a] ?? 0) - (pValues[b] ?? 0));
}

/** Applies `adjust` to the values in `order`, with their rank in it, and returns the results in the original order. */
function adjustInOrder(
  pValues: readonly number[],
  order: readonly number[],
  adjust: (p: number, rank: number) => number,
): number[] {
  const adjusted = [...pValues];
  for (const [rank, index] of order.entries()) adjusted[index] = adjust(pValues[index] ?? 1, rank);
  return adjusted;
}
