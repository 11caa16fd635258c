/** Money per million tokens; a price that is not given is not known, not zero. */
export interface TokenPrice {
  readonly inputPerMillionTokens?: number;
  readonly outputPerMillionTokens?: number;
  readonly currency: string;
}

export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/** An amount that is not known exactly: it lies between `low` and `high`, and `expected` is the best guess. */
export interface AmountRange {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** How far the estimate of a text's tokens may be from what a provider counts. */
export const ESTIMATE_ERROR = 0.15;

/** What tokens cost; undefined when there are tokens of a kind whose price is not known. */
export function computeCost(price: TokenPrice, { input, output }: TokenCount): number | undefined {
  const { inputPerMillionTokens, outputPerMillionTokens } = price;
  if (input > 0 && inputPerMillionTokens === undefined) return undefined;
  if (output > 0 && outputPerMillionTokens === undefined) return undefined;
  return (input * (inputPerMillionTokens ?? 0) + output * (outputPerMillionTokens ?? 0)) / 1e6;
}

/**
 * What estimated tokens will cost: input within the error of the estimate, answers anywhere between nothing and
 * their limit, and probably `likely` tokens long (half of the limit when that is not given). Undefined when a price
 * is missing.
 */
export function estimateCostRange(
  price: TokenPrice,
  { input, output }: TokenCount,
  likely = output / 2,
): AmountRange | undefined {
  const low = computeCost(price, { input: input * (1 - ESTIMATE_ERROR), output: 0 });
  const expected = computeCost(price, { input, output: likely });
  const high = computeCost(price, { input: input * (1 + ESTIMATE_ERROR), output });
  if (low === undefined || expected === undefined || high === undefined) return undefined;
  return { low, expected, high };
}
