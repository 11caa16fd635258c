import { isDeepStrictEqual } from "node:util";
import type { Config } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";

export function findPrices(config: Config, fullNames: readonly string[]): ModelPrices {
  return new Map(fullNames.map((name) => [name, config.registry.findModel(name).model.price]));
}

/** The price of all models if they have the same one. */
export function findCommonPrice(prices: ModelPrices): TokenPrice | undefined {
  const [first, ...others] = prices.values();
  return others.every((price) => isDeepStrictEqual(price, first)) ? first : undefined;
}

/** Throws RunError if a maximum cost is set and the price is unknown. */
export function requirePriceForCap(
  price: TokenPrice | undefined,
  maxCost: number | undefined,
  { kind, model }: Pick<RunManifest, "kind" | "model">,
): void {
  if (maxCost === undefined) return;
  const { inputPerMillionTokens: input, outputPerMillionTokens: output } = price ?? {};
  if (input !== undefined && (kind !== "chat" || output !== undefined)) return;
  throw new RunError(
    `--max-cost needs a price, and none is known for ${model}${model.includes(",") ? " together" : ""}`,
    "Set the price of the model in sluice.yaml (see sluice.example.yaml).",
  );
}
