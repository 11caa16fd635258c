import { findPriceFactor, type PriceWindow } from "./price-windows.ts";

/** Money per million tokens. An absent rate is unknown; 0 means free. */
export interface TokenRates {
  readonly inputPerMillionTokens?: number;
  /** Of input tokens that the provider read from its cache; by default they cost as much as others. */
  readonly cachedInputPerMillionTokens?: number;
  /** Of input tokens that the provider wrote to its cache; by default they cost as much as others. */
  readonly cacheWritePerMillionTokens?: number;
  readonly outputPerMillionTokens?: number;
}

/** Rates that replace the others in calls with more input tokens than the threshold. */
export interface PriceTier extends TokenRates {
  readonly aboveInputTokens: number;
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
  /** Those of `input` that the provider read from its cache. */
  readonly cachedInput?: number;
  /** Those of `input` that the provider wrote to its cache. */
  readonly cacheWrite?: number;
}

/** An estimated amount between `low` and `high`; `expected` is the best estimate. */
export interface AmountRange {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** The maximum relative error of a text's estimated tokens. */
export const ESTIMATE_ERROR = 0.15;

/**
 * The cost of a call with these tokens at a time (epoch ms); undefined when the price of some of them is unknown. For the
 * tokens of several calls, use `computeTotalCost`.
 */
export function computeCost(price: TokenPrice, tokens: TokenCount, at: number): number | undefined {
  const { input, output } = tokens;
  const rates = findRates(price, input);
  const { inputPerMillionTokens: inputRate, outputPerMillionTokens: outputRate } = rates;
  if (input > 0 && inputRate === undefined) return undefined;
  if (output > 0 && outputRate === undefined) return undefined;
  const { cachedInputPerMillionTokens: cachedRate = inputRate ?? 0 } = rates;
  const { cacheWritePerMillionTokens: writtenRate = inputRate ?? 0 } = rates;
  const cached = Math.min(input, tokens.cachedInput ?? 0);
  const written = Math.min(input - cached, tokens.cacheWrite ?? 0);
  const inputAmount = (input - cached - written) * (inputRate ?? 0) + cached * cachedRate + written * writtenRate;
  const amount = inputAmount + output * (outputRate ?? 0);
  return (amount * findPriceFactor(price.windows, at)) / 1e6;
}

/** The cost of the tokens of several calls, none of which is assumed to reach a higher tier. */
export function computeTotalCost(price: TokenPrice, tokens: TokenCount, at: number): number | undefined {
  return computeCost({ ...price, tiers: [] }, tokens, at);
}

/** The rates of the highest tier that the input of a call reaches. */
function findRates({ tiers = [], ...price }: TokenPrice, input: number): TokenRates {
  const reached = tiers.filter(({ aboveInputTokens }) => input > aboveInputTokens);
  return reached.sort((a, b) => b.aboveInputTokens - a.aboveInputTokens)[0] ?? price;
}

/**
 * Estimates the cost of calls at a time (epoch ms). Input may differ by the error of the estimate. Output is between 0 tokens
 * and its limit, and probably `likelyOutput` tokens (by default half of the limit). Undefined when a price is unknown.
 */
export function estimateCostRange(
  price: TokenPrice,
  { input, output }: TokenCount,
  at: number,
  likelyOutput = output / 2,
): AmountRange | undefined {
  const low = computeCost(price, { input: input * (1 - ESTIMATE_ERROR), output: 0 }, at);
  const expected = computeCost(price, { input, output: likelyOutput }, at);
  const high = computeCost(price, { input: input * (1 + ESTIMATE_ERROR), output }, at);
  if (low === undefined || expected === undefined || high === undefined) return undefined;
  return { low, expected, high };
}
