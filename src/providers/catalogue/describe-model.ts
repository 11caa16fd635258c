import type { TokenPrice } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { PriceWindow } from "#src/core/price-windows.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import type { CatalogueModel } from "./catalogue-format.ts";

/** Where the data of a model may come from, apart from the defaults of its provider. */
export interface ModelSources {
  readonly listed?: CatalogueModel;
  /** The settings of the model in sluice.yaml, which precede everything else. */
  readonly override?: Partial<ModelData>;
}

/** Names that rerank and embedding models commonly have; used only when nothing else says which kind a model is. */
const RERANK_NAME = /rerank/i;
const EMBEDDING_NAME = /embed|embo|bge|gte|(^|[-/])e5[-:]/i;

/**
 * All that is known about a model. Of two sources, the one that the user controls or can update precedes: sluice.yaml, the
 * catalogue, the provider's profile, the defaults of the provider. `kind` is what the caller needs; it decides only if no
 * source says which kind the model is.
 */
export function describeModel(
  entry: ProviderEntry,
  name: string,
  { listed, override = {} }: ModelSources,
  kind?: ModelData["kind"],
): ModelData {
  const facts = entry.models.find((model) => model.name === name);
  const guess = listed === undefined ? (kind ?? guessKind(name)) : guessKind(name, listed.family);
  const { kinds = [guess] } = entry;
  const resolvedKind = override.kind ?? facts?.kind ?? (kinds.includes(guess) ? guess : kinds[0]);
  const published = listed && readCatalogueModel(listed, resolvedKind);
  const price = override.price ?? addWindows(published?.price ?? facts?.price, entry.priceWindows);
  const retirement = entry.retired?.find(({ names }) => names.test(name));
  return omitUndefined({
    ...entry.defaults?.[resolvedKind],
    ...facts,
    ...published,
    ...override,
    name,
    kind: resolvedKind,
    price,
    retired: retirement && omitUndefined({ since: retirement.since, successors: retirement.successors }),
  });
}

function guessKind(name: string, family = ""): ModelData["kind"] {
  if (RERANK_NAME.test(name) || RERANK_NAME.test(family)) return "rerank";
  return EMBEDDING_NAME.test(name) || EMBEDDING_NAME.test(family) ? "embedding" : "chat";
}

function readCatalogueModel({ limit, cost, release_date, status }: CatalogueModel, kind: ModelData["kind"]) {
  return omitUndefined({
    maxTokens: limit.context,
    maxInputTokens: limit.input,
    // For an embedding model, the catalogue has its dimensions here.
    maxOutputTokens: kind === "chat" && limit.output > 0 ? limit.output : undefined,
    price: cost && readPrice(cost),
    released: release_date,
    status: status === "deprecated" ? status : undefined,
  });
}

type CatalogueCost = NonNullable<CatalogueModel["cost"]>;

function readPrice({ tiers, ...cost }: CatalogueCost): TokenPrice {
  return omitUndefined({
    ...readRates(cost),
    tiers: tiers?.map(({ tier, ...tierCost }) => ({ ...readRates(tierCost), aboveInputTokens: tier.size })),
    currency: "USD",
  });
}

function readRates({ input, output, cache_read, cache_write }: Omit<CatalogueCost, "tiers">) {
  return omitUndefined({
    inputPerMillionTokens: input,
    cachedInputPerMillionTokens: cache_read,
    cacheWritePerMillionTokens: cache_write,
    outputPerMillionTokens: output,
  });
}

function addWindows(price: TokenPrice | undefined, windows: readonly PriceWindow[] | undefined) {
  return price && windows ? { windows, ...price } : price;
}
