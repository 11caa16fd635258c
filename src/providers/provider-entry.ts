import type { PriceWindow } from "#src/core/price-windows.ts";
import type { DescribeModel, ModelData, Provider, ProviderAccount, Retirement } from "./provider.ts";
import type { Transport } from "./transport/transport.ts";

/** What a profile says about a model. The catalogue precedes it; see `describeModel`. */
export type ModelFacts = Partial<ModelData> & Pick<ModelData, "name">;

/** Models that a vendor has removed, or has announced to remove. */
export interface RetiredModels extends Retirement {
  readonly names: RegExp;
}

/** What the catalogue of models does not say about a provider. */
export interface ProviderFacts {
  /** The provider's name in the catalogue, if it is there. */
  readonly catalogue?: string;
  /** Facts about models that the catalogue does not have, and models that are missing there. */
  readonly models: readonly ModelFacts[];
  /** Facts about all models of a kind. */
  readonly defaults?: Readonly<Partial<Record<ModelData["kind"], Partial<ModelData>>>>;
  /** The kinds that models can have, if not all; the first is assumed for a model that nothing is known about. */
  readonly kinds?: readonly [ModelData["kind"], ...ModelData["kind"][]];
  readonly retired?: readonly RetiredModels[];
  /** Chat models also answer requests for moderation. */
  readonly offersModerations?: boolean | undefined;
  /** Times at which the vendor's prices differ from the published ones. */
  readonly priceWindows?: readonly PriceWindow[];
}

/** What is known about a provider before any account is configured, and how to create its adapter. */
export interface ProviderEntry extends ProviderFacts {
  readonly name: string;
  readonly defaultBaseUrl: string;
  /** The operator of the server decides which models it has, so that no list of them exists. */
  readonly isSelfHosted?: boolean;
  readonly create: (account: ProviderAccount, transport: Transport, describe: DescribeModel) => Provider;
}
