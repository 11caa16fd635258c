/** Money per million tokens. An undefined price is unknown, not zero. */
export interface TokenPrice {
  readonly inputPerMillionTokens?: number;
  readonly outputPerMillionTokens?: number;
  readonly currency: string;
}

export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/** An estimated amount between `low` and `high`; `expected` is the best estimate. */
export interface AmountRange {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** The maximum relative error of a text's estimated tokens. */
export const ESTIMATE_ERROR = 0.15;

/** The cost of tokens; undefined when the price of some of them is unknown. */
export function computeCost(price: TokenPrice, { input, output }: TokenCount): number | undefined {
  const { inputPerMillionTokens, outputPerMillionTokens } = price;
  if (input > 0 && inputPerMillionTokens === undefined) return undefined;
  if (output > 0 && outputPerMillionTokens === undefined) return undefined;
  return (input * (inputPerMillionTokens ?? 0) + output * (outputPerMillionTokens ?? 0)) / 1e6;
}

/**
 * Estimates the cost of calls. Input may differ by the error of the estimate. Output is between 0 tokens and its limit,
 * and probably `likelyOutput` tokens (by default half of the limit). Undefined when a price is unknown.
 */
export function estimateCostRange(
  price: TokenPrice,
  { input, output }: TokenCount,
  likelyOutput = output / 2,
): AmountRange | undefined {
  const low = computeCost(price, { input: input * (1 - ESTIMATE_ERROR), output: 0 });
  const expected = computeCost(price, { input, output: likelyOutput });
  const high = computeCost(price, { input: input * (1 + ESTIMATE_ERROR), output });
  if (low === undefined || expected === undefined || high === undefined) return undefined;
  return { low, expected, high };
}
