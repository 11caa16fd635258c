/** Money per million tokens. An absent rate is unknown; 0 means free. */
export interface TokenRates {
  readonly inputPerMillionTokens?: number;
  /** Of input tokens that the provider read from its cache; by default they cost as much as others. */
  readonly cachedInputPerMillionTokens?: number;
  readonly outputPerMillionTokens?: number;
}

/** Rates that replace the others in calls with more input tokens than the threshold. */
export interface PriceTier extends TokenRates {
  readonly aboveInputTokens: number;
}

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

export interface TokenPrice extends TokenRates {
  readonly currency: string;
  readonly tiers?: readonly PriceTier[];
  /** The first window that contains the time of a call applies. */
  readonly windows?: readonly PriceWindow[];
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
