import { parseModelName } from "#src/core/model-name.ts";
import { ANTHROPIC_ENTRY } from "./anthropic/anthropic-provider.ts";
import { createMinimaxProvider } from "./minimax/minimax-provider.ts";
import { MINIMAX_BASE_URL, MINIMAX_MODELS, MINIMAX_NAME } from "./minimax/profile.ts";
import { COMPATIBLE_PROFILES } from "./openai-compatible/profiles.ts";
import { createCompatibleEntry } from "./openai-compatible/provider-entry.ts";
import { defineProfile, type ProviderDefinition } from "./openai-compatible/user-defined-profile.ts";
import type { ModelData, Provider, ProviderAccount } from "./provider.ts";
import type { ProviderEntry } from "./provider-entry.ts";
import { SPARK_BASE_URL, SPARK_MODELS, SPARK_NAME } from "./spark/profile.ts";
import { createSparkProvider } from "./spark/spark-provider.ts";
import type { Transport } from "./transport/transport.ts";
import { UnknownModelError } from "./unknown-model-error.ts";
import { ZHIPU_BASE_URL, ZHIPU_MODELS, ZHIPU_NAME } from "./zhipu/profile.ts";
import { createZhipuProvider } from "./zhipu/zhipu-provider.ts";

const BUILT_IN_PROVIDERS: readonly ProviderEntry[] = [
  {
    name: MINIMAX_NAME,
    defaultBaseUrl: MINIMAX_BASE_URL,
    models: MINIMAX_MODELS,
    create: createMinimaxProvider,
  },
  {
    name: SPARK_NAME,
    defaultBaseUrl: SPARK_BASE_URL,
    models: SPARK_MODELS,
    create: createSparkProvider,
  },
  {
    name: ZHIPU_NAME,
    defaultBaseUrl: ZHIPU_BASE_URL,
    models: ZHIPU_MODELS,
    create: createZhipuProvider,
  },
  ANTHROPIC_ENTRY,
  ...COMPATIBLE_PROFILES.map(createCompatibleEntry),
];

/** The parts of the configuration that add providers and models. */
export interface RegistryOptions {
  readonly definedProviders?: readonly ProviderDefinition[];
  /**
   * "provider/model" of every model that sluice.yaml has settings for. Such a model is accepted although it is not
   * listed, because vendors publish models faster than a list of them grows. Other unlisted names stay unknown, so that
   * a typing error is reported before a run begins.
   */
  readonly namedModels?: readonly string[];
}

/** Looks up providers and models: the built-in ones and those that sluice.yaml adds. */
export interface ProviderRegistry {
  /** All providers, those defined in sluice.yaml last. */
  readonly providers: readonly ProviderEntry[];
  /** Throws UnknownModelError. */
  findProvider(name: string): ProviderEntry;
  /**
   * Looks up "provider/model"; throws UnknownModelError with the most similar names. `kind` says what the caller needs:
   * it decides what an unlisted model is used for.
   */
  findModel(fullName: string, kind?: ModelData["kind"]): { readonly provider: string; readonly model: ModelData };
  /** The known models of a provider. Throws UnknownModelError. */
  listModels(provider: string): readonly ModelData[];
  /** All known models as "provider/model". */
  listModelNames(): string[];
  /** Creates the adapter for one account; it opens no connection yet. Throws UnknownModelError. */
  createProvider(name: string, account: ProviderAccount, transport: Transport): Provider;
}

/** Without options, the registry contains the built-in providers. */
export function createRegistry({ definedProviders = [], namedModels = [] }: RegistryOptions = {}): ProviderRegistry {
  const providers = [
    ...BUILT_IN_PROVIDERS,
    ...definedProviders.map((definition) => createCompatibleEntry(defineProfile(definition))),
  ];
  const named = new Set(namedModels);

  const findProvider: ProviderRegistry["findProvider"] = (name) => {
    const entry = providers.find((candidate) => candidate.name === name);
    if (entry) return entry;
    const names = providers.map((candidate) => candidate.name);
    throw new UnknownModelError(name, names, { kind: "provider" });
  };

  const listEntryModels = ({ name, models, describeUnlisted }: ProviderEntry): readonly ModelData[] => {
    const added = namedModels.flatMap((fullName) => {
      const parsed = parseModelName(fullName);
      if (parsed?.provider !== name || models.some((model) => model.name === parsed.model)) return [];
      return describeUnlisted?.(parsed.model, undefined) ?? [];
    });
    return [...models, ...added];
  };

  const listFullNames = (entry: ProviderEntry) => listEntryModels(entry).map((model) => `${entry.name}/${model.name}`);

  const findModel: ProviderRegistry["findModel"] = (fullName, kind) => {
    const { provider, model: name } = parseModelName(fullName) ?? {};
    const entry = providers.find((candidate) => candidate.name === provider);
    if (!entry || name === undefined) throw new UnknownModelError(fullName, providers.flatMap(listFullNames));
    const listed = entry.models.find((model) => model.name === name);
    if (listed) return { provider: entry.name, model: listed };
    const unlisted = entry.describeUnlisted?.(name, kind);
    if (unlisted && (entry.acceptsAnyModel || named.has(fullName))) return { provider: entry.name, model: unlisted };
    // Only the models of the named provider are suggested: a list of all models would fill the screen.
    throw new UnknownModelError(fullName, listFullNames(entry), {
      hint: unlisted && `To use a newer model, add it to sluice.yaml: ${formatModelSetting(entry.name, name)}`,
    });
  };

  return {
    providers,
    findProvider,
    findModel,
    listModels: (provider) => listEntryModels(findProvider(provider)),
    listModelNames: () => providers.flatMap(listFullNames),
    createProvider: (name, account, transport) => findProvider(name).create(account, transport),
  };
}

function formatModelSetting(provider: string, model: string): string {
  return `providers: { ${provider}: { models: { ${JSON.stringify(model)}: {} } } }`;
}
