import { listSimilarNames } from "#src/core/similar-names.ts";
import { createMinimaxProvider } from "./minimax/minimax-provider.ts";
import { MINIMAX_BASE_URL, MINIMAX_MODELS, MINIMAX_NAME } from "./minimax/profile.ts";
import { createCompatibleProvider } from "./openai-compatible/compatible-provider.ts";
import { defineProfile, type ProviderDefinition } from "./openai-compatible/define-profile.ts";
import type { CompatibleProfile } from "./openai-compatible/profile.ts";
import { COMPATIBLE_PROFILES } from "./openai-compatible/profiles.ts";
import type { ModelData, Provider, ProviderAccount } from "./provider.ts";
import { SPARK_BASE_URL, SPARK_MODELS, SPARK_NAME } from "./spark/profile.ts";
import { createSparkProvider } from "./spark/spark-provider.ts";
import type { Transport } from "./transport/transport.ts";
import { ZHIPU_BASE_URL, ZHIPU_MODELS, ZHIPU_NAME } from "./zhipu/profile.ts";
import { createZhipuProvider } from "./zhipu/zhipu-provider.ts";

/** What the rest of the house knows of a provider before it has an account. */
export interface ProviderEntry {
  readonly name: string;
  readonly defaultBaseUrl: string;
  readonly models: readonly ModelData[];
  /** What any other name stands for; absent where the models listed are all there are. */
  readonly describeUnlisted?: (name: string, kind: ModelData["kind"] | undefined) => ModelData | undefined;
  /** The same for a name that the user has vouched for; see `nameModels`. Absent where the adapter knows all there is. */
  readonly describeRegistered?: (name: string, kind: ModelData["kind"] | undefined) => ModelData | undefined;
  readonly create: (account: ProviderAccount, transport: Transport) => Provider;
}

/** One line per provider. */
export const PROVIDERS: readonly ProviderEntry[] = [
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
  ...COMPATIBLE_PROFILES.map(compatibleEntry),
];

/** Providers that only this installation knows. */
let customProviders: readonly ProviderEntry[] = [];

/** Makes the providers that the user defined known to all look-ups of this process, in place of those before. */
export function registerProviders(definitions: readonly ProviderDefinition[]): void {
  customProviders = definitions.map((definition) => compatibleEntry(defineProfile(definition)));
}

/** Models by full name that the user's settings name. */
let registeredModels: ReadonlySet<string> = new Set();

/**
 * Takes these names ("provider/model") for models, where the provider's adapter serves any: vendors publish models
 * faster than a table of them grows. Any other name that is not listed stays unknown, so that a slip is told before a
 * run begins. In place of the names before.
 */
export function registerModels(names: readonly string[]): void {
  registeredModels = new Set(names);
}

/** Every known provider, the user's own last. */
export function listProviders(): readonly ProviderEntry[] {
  return [...PROVIDERS, ...customProviders];
}

function compatibleEntry(profile: CompatibleProfile): ProviderEntry {
  return {
    name: profile.name,
    defaultBaseUrl: profile.defaultBaseUrl,
    // A model says itself how many inputs it takes, whoever asks.
    models: profile.models.map((model) =>
      model.kind === "embedding" && profile.maxInputs !== undefined
        ? { maxInputs: profile.maxInputs, ...model }
        : model,
    ),
    describeRegistered: (name, kind) => describeUnlisted(profile, name, kind),
    ...(profile.openModels && {
      describeUnlisted: (name, kind) => describeUnlisted(profile, name, kind),
    }),
    create: (account, transport) => createCompatibleProvider(profile, account, transport),
  };
}

const MODEL_NAME = /^[\w./:@+-]{1,128}$/;
/** Names that embedding models commonly have; only asked when the caller does not say what it wants. */
const EMBEDDING_NAME = /embed|bge|gte|(^|[-/])e5[-:]/i;

/** A model that is known by its name alone: its figures, its dimensions among them, are not. */
function describeUnlisted(
  { openModels, maxInputs }: CompatibleProfile,
  name: string,
  requested: ModelData["kind"] | undefined,
): ModelData | undefined {
  if (!MODEL_NAME.test(name)) return undefined;
  const guess = requested ?? (EMBEDDING_NAME.test(name) ? "embedding" : "chat");
  const kind = openModels === "embedding" ? "embedding" : guess;
  return { name, kind, ...(maxInputs !== undefined && { maxInputs }) };
}

/** A model or provider that is not in the table. The message names what came and the nearest known names. */
export class UnknownModelError extends Error {
  override readonly name = "UnknownModelError";
  readonly suggestions: readonly string[];

  constructor(requested: string, known: readonly string[], hint?: string) {
    const suggestions = listSimilarNames(requested, known);
    const suggestion =
      suggestions.length > 0 ? `Did you mean ${suggestions.join(" or ")}?` : `Known are: ${known.join(", ")}.`;
    super(`"${requested.slice(0, 200)}" is not a known model. ${suggestion}${hint === undefined ? "" : ` ${hint}`}`);
    this.suggestions = suggestions;
  }
}

/** The entry of a provider; throws UnknownModelError. */
export function findProvider(name: string): ProviderEntry {
  const entry = listProviders().find((candidate) => candidate.name === name);
  if (!entry)
    throw new UnknownModelError(
      name,
      listProviders().map((candidate) => candidate.name),
    );
  return entry;
}

/** The adapter for one account. Nothing is connected yet. Throws UnknownModelError. */
export function createProvider(name: string, account: ProviderAccount, transport: Transport): Provider {
  return findProvider(name).create(account, transport);
}

/** Every known model as "provider/model". */
export function listModelNames(): string[] {
  return listProviders().flatMap((entry) => entry.models.map((model) => `${entry.name}/${model.name}`));
}

/**
 * Looks up "provider/model"; throws UnknownModelError with the nearest names. `kind` is what the caller needs: a server
 * that takes any model's name does not tell what a model is for.
 */
export function findModel(
  fullName: string,
  kind?: ModelData["kind"],
): { readonly provider: string; readonly model: ModelData } {
  const slash = fullName.indexOf("/");
  const entry = listProviders().find(({ name }) => name === fullName.slice(0, Math.max(slash, 0)));
  const name = fullName.slice(slash + 1);
  const model =
    entry?.models.find((one) => one.name === name) ??
    entry?.describeUnlisted?.(name, kind) ??
    (registeredModels.has(fullName) ? entry?.describeRegistered?.(name, kind) : undefined);
  if (entry && model) return { provider: entry.name, model };
  // Of a known provider its own models are what was meant; all there are would fill the screen.
  if (entry)
    throw new UnknownModelError(
      fullName,
      entry.models.map((one) => `${entry.name}/${one.name}`),
      entry.describeRegistered && MODEL_NAME.test(name)
        ? `A newer one is taken when sluice.yaml names it: providers: { ${entry.name}: { models: { ${JSON.stringify(name)}: {} } } }`
        : undefined,
    );
  throw new UnknownModelError(fullName, listModelNames());
}
