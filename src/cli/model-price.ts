import type { Config } from "../config.ts";
import { RunError } from "../core/errors.ts";
import type { TokenPrice } from "../core/money.ts";
import { findModel } from "../providers/registry.ts";

/** What a model costs: the user's own figures before those its vendor publishes; undefined when nobody knows. */
export function modelPrice(config: Config, provider: string, model: string): TokenPrice | undefined {
  return config.price(provider, model) ?? findModel(`${provider}/${model}`).model.price;
}

/** Throws when there is a cap and no price to hold it by. */
export function requirePriceForCap(
  price: TokenPrice | undefined,
  maxCost: number | undefined,
  fullName: string,
): void {
  if (maxCost === undefined) return;
  const isChat = findModel(fullName).model.kind === "chat";
  const known =
    price?.inputPerMillionTokens !== undefined && (!isChat || price.outputPerMillionTokens !== undefined);
  if (known) return;
  const [provider = "", model = ""] = fullName.split("/", 2);
  throw new RunError(
    `--max-cost needs a price, and none is known for ${fullName}`,
    `set providers.${provider}.models.${model}.price in sluice.yaml (see sluice.example.yaml)`,
  );
}
