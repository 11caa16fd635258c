import type { Config } from "#src/config/config.ts";
import { RunError } from "#src/core/errors.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";

/** What a model costs: the user's own figures before those its vendor publishes; undefined when nobody knows. */
export function findModelPrice(config: Config, fullName: string, kind?: RunManifest["kind"]): TokenPrice | undefined {
  const { provider, model } = config.registry.findModel(fullName, kind);
  return config.price(provider, model.name) ?? model.price;
}

/** What several models cost, when it is the same for all of them; else one price could not tell what a run costs. */
export function findCommonPrice(
  config: Config,
  fullNames: readonly string[],
  kind: RunManifest["kind"],
): TokenPrice | undefined {
  const prices = fullNames.map((name) => findModelPrice(config, name, kind));
  const [first] = prices;
  const isSamePrice = prices.every(
    (price) =>
      price?.currency === first?.currency &&
      price?.inputPerMillionTokens === first?.inputPerMillionTokens &&
      price?.outputPerMillionTokens === first?.outputPerMillionTokens,
  );
  return isSamePrice ? first : undefined;
}

/** Throws when there is a cap and no price to hold it by. */
export function requirePriceForCap(
  price: TokenPrice | undefined,
  maxCost: number | undefined,
  { kind, model }: Pick<RunManifest, "kind" | "model">,
): void {
  if (maxCost === undefined) return;
  const { inputPerMillionTokens: input, outputPerMillionTokens: output } = price ?? {};
  if (input !== undefined && (kind === "embedding" || output !== undefined)) return;
  throw new RunError(
    `--max-cost needs a price, and none is known for ${model}${model.includes(",") ? " together" : ""}`,
    "set the price of the model in sluice.yaml (see sluice.example.yaml)",
  );
}
