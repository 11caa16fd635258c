import { z } from "zod";
import type { TokenPrice } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { amount, currency, nonNegativeInteger, oneOf, setting, text } from "./value-schemas.ts";

/** As in `PriceWindow.days`. */
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

const timeOfDay = text('expected a time such as "16:30"', (raw) => /^([01]\d|2[0-3]):[0-5]\d$/.test(raw), "HH:MM");

const rates = {
  inputPerMillionTokens: setting(amount, "Price of a million input tokens"),
  cachedInputPerMillionTokens: setting(
    amount,
    "Price of a million input tokens that the provider read from its cache",
    {
      default: "the price of other input tokens",
    },
  ),
  cacheWritePerMillionTokens: setting(amount, "Price of a million input tokens that the provider wrote to its cache", {
    default: "the price of other input tokens",
  }),
  outputPerMillionTokens: setting(amount, "Price of a million output tokens"),
};

const tier = z.strictObject({
  aboveInputTokens: setting(
    nonNegativeInteger.unwrap(),
    "The prices of this tier apply to calls with more input tokens",
  ),
  ...rates,
});

const window = z.strictObject({
  days: z
    .array(setting(oneOf(WEEKDAYS).unwrap(), "Day on which the window begins, in UTC; by default every day"))
    .optional(),
  from: setting(timeOfDay.unwrap(), "Start of the window, in UTC"),
  to: setting(timeOfDay.unwrap(), "End of the window, in UTC; on the next day if it is not after the start"),
  factor: setting(amount.unwrap(), "Multiplies all prices during the window"),
});

export const priceSchema = z.strictObject({
  ...rates,
  // An amount without a currency means nothing, so the currency is required.
  currency: setting(currency.unwrap(), "Currency code, such as CNY or USD"),
  tiers: z.array(tier).optional(),
  windows: z.array(window).optional(),
});

export function toTokenPrice({ tiers, windows, ...price }: z.infer<typeof priceSchema>): TokenPrice {
  return omitUndefined({
    ...omitUndefined(price),
    currency: price.currency,
    tiers: tiers?.map(({ aboveInputTokens, ...tierRates }) => ({ ...omitUndefined(tierRates), aboveInputTokens })),
    windows: windows?.map(({ days, ...others }) =>
      omitUndefined({ ...others, days: days?.map((day) => WEEKDAYS.indexOf(day)) }),
    ),
  });
}
