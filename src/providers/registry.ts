import { MODEL_NAME_PATTERN, parseModelName } from "#src/core/model-name.ts";
import { listSimilarNames } from "#src/core/similar-names.ts";
import { ANTHROPIC_ENTRY } from "./anthropic/anthropic-provider.ts";
import { findCatalogueModel } from "./catalogue/catalogue-format.ts";
import { describeModel } from "./catalogue/describe-model.ts";
import { type ChosenCatalogue, readShippedCatalogue } from "./catalogue/read-catalogue.ts";
import { GEMINI_ENTRY } from "./gemini/gemini-provider.ts";
import { MINIMAX_ENTRY } from "./minimax/minimax-provider.ts";
import { COMPATIBLE_PROFILES } from "./openai-compatible/profiles.ts";
import { createCompatibleEntry } from "./openai-compatible/provider-entry.ts";
import { defineProfile, type ProviderDefinition } from "./openai-compatible/user-defined-profile.ts";
import type { ModelData, Provider, ProviderAccount } from "./provider.ts";
import type { ProviderEntry } from "./provider-entry.ts";
import { RERANK_PROFILES } from "./rerank/profiles.ts";
import { createRerankEntry } from "./rerank/rerank-provider.ts";
import { SPARK_ENTRY } from "./spark/spark-provider.ts";
import type { Transport } from "./transport/transport.ts";
import { UnknownModelError } from "./unknown-model-error.ts";
import { ZHIPU_ENTRY } from "./zhipu/zhipu-provider.ts";

const BUILT_IN_PROVIDERS: readonly ProviderEntry[] = [
  MINIMAX_ENTRY,
  SPARK_ENTRY,
  ZHIPU_ENTRY,
  ANTHROPIC_ENTRY,
  GEMINI_ENTRY,
  ...RERANK_PROFILES.map(createRerankEntry),
  ...COMPATIBLE_PROFILES.map(createCompatibleEntry),
];

/** The parts of the configuration that add providers and models. */
export interface RegistryOptions {
  readonly definedProviders?: readonly ProviderDefinition[];
  /** Models of built-in providers in sluice.yaml, by provider and name. Their values precede all others. */
  readonly models?: Readonly<Record<string, Readonly<Record<string, Partial<ModelData>>>>>;
  /** Called once, when a model is first looked up. By default the catalogue of the package. */
  readonly readCatalogue?: () => ChosenCatalogue;
}

export interface FoundModel {
  readonly provider: string;
  readonly model: ModelData;
  /** Neither the catalogue, the provider's profile nor sluice.yaml has it, so that its price and limits are unknown. */
  readonly isUnknown: boolean;
}

/** Looks up providers and models: the built-in ones and those that sluice.yaml adds. */
export interface ProviderRegistry {
  /** All providers, those defined in sluice.yaml last; a defined one replaces a built-in one of the same name. */
  readonly providers: readonly ProviderEntry[];
  /** The catalogue in use. */
  readonly catalogue: ChosenCatalogue;
  /** Throws UnknownModelError. */
  findProvider(name: string): ProviderEntry;
  /**
   * Looks up "provider/model". Every well-formed name of a model is accepted, because vendors publish models faster than
   * lists of them grow. Throws UnknownModelError for an unknown provider and for a malformed name. `kind` says what the
   * caller needs: it decides what a model is used for that no list has.
   */
  findModel(fullName: string, kind?: ModelData["kind"]): FoundModel;
  /** Up to three known models of any provider with similar names, as "provider/model". */
  listSimilarModels(fullName: string): string[];
  /** The known models of a provider. Throws UnknownModelError. */
  listModels(provider: string): readonly ModelData[];
  /** All known models as "provider/model". */
  listModelNames(): string[];
  /** Creates the adapter for one account; it opens no connection yet. Throws UnknownModelError. */
  createProvider(name: string, account: ProviderAccount, transport: Transport): Provider;
}

/** Without options, the registry contains the built-in providers. */
export function createRegistry(options: RegistryOptions = {}): ProviderRegistry {
  const {
    definedProviders = [],
    models: settings = {},
    readCatalogue = () => ({ catalogue: readShippedCatalogue() }),
  } = options;
  const definedEntries = definedProviders.map((definition) => createCompatibleEntry(defineProfile(definition)));
  const replaced = new Set(definedEntries.map(({ name }) => name));
  const providers = [...BUILT_IN_PROVIDERS.filter(({ name }) => !replaced.has(name)), ...definedEntries];
  const lookUp = createLookup(settings, readCatalogue);

  const findProvider: ProviderRegistry["findProvider"] = (name) => {
    const entry = providers.find((candidate) => candidate.name === name);
    if (entry) return entry;
    const names = providers.map((candidate) => candidate.name);
    throw new UnknownModelError(name, names, "provider");
  };
  const listFullNames = (entry: ProviderEntry) => lookUp.listNames(entry).map((name) => `${entry.name}/${name}`);
  const listModelNames = () => providers.flatMap(listFullNames);
  const findModel: ProviderRegistry["findModel"] = (fullName, kind) => {
    const { provider, model: name } = parseModelName(fullName) ?? {};
    const entry = providers.find((candidate) => candidate.name === provider);
    if (!entry || name === undefined || !MODEL_NAME_PATTERN.test(name)) {
      throw new UnknownModelError(fullName, listModelNames());
    }
    return { provider: entry.name, model: lookUp.describe(entry, name, kind), isUnknown: !lookUp.isKnown(entry, name) };
  };

  return {
    providers,
    get catalogue() {
      return lookUp.chooseCatalogue();
    },
    findProvider,
    findModel,
    listSimilarModels: (fullName) => listSimilarNames(fullName, listModelNames()),
    listModels: (provider) => {
      const entry = findProvider(provider);
      return lookUp.listNames(entry).map((name) => lookUp.describe(entry, name));
    },
    listModelNames,
    createProvider: (name, account, transport) => {
      const entry = findProvider(name);
      return entry.create(account, transport, (model, kind) => lookUp.describe(entry, model, kind));
    },
  };
}

/** Finds the data of models in the catalogue, the profiles and the settings. */
function createLookup(settings: NonNullable<RegistryOptions["models"]>, readCatalogue: () => ChosenCatalogue) {
  let chosen: ChosenCatalogue | undefined;
  const chooseCatalogue = () => {
    chosen ??= readCatalogue();
    return chosen;
  };
  const catalogue = () => chooseCatalogue().catalogue;
  const listed = ({ catalogue: key }: ProviderEntry) =>
    key === undefined ? {} : (findOwn(catalogue().providers, key)?.models ?? {});
  const overrides = ({ name }: ProviderEntry) => findOwn(settings, name) ?? {};
  const listNames = (entry: ProviderEntry) => [
    ...new Set([
      ...entry.models.map(({ name }) => name),
      ...Object.keys(listed(entry)),
      ...Object.keys(overrides(entry)),
    ]),
  ];
  return {
    chooseCatalogue,
    listNames,
    isKnown: (entry: ProviderEntry, name: string) =>
      entry.models.some((model) => model.name === name) ||
      Object.hasOwn(listed(entry), name) ||
      Object.hasOwn(overrides(entry), name),
    describe: (entry: ProviderEntry, name: string, kind?: ModelData["kind"]) => {
      const { catalogue: key } = entry;
      const found = key === undefined ? undefined : findCatalogueModel(catalogue(), key, name);
      return describeModel(entry, name, { listed: found, override: findOwn(overrides(entry), name) }, kind);
    },
  };
}

function findOwn<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The providers of the catalogue that Sluice uses. */
export function listCatalogueNames(): string[] {
  return BUILT_IN_PROVIDERS.flatMap(({ catalogue }) => catalogue ?? []);
}
