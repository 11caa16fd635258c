import { MODEL_NAME_PATTERN } from "#src/core/model-name.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ProviderDefinition } from "#src/providers/openai-compatible/user-defined-profile.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { RegistryOptions } from "#src/providers/registry.ts";
import type { DefinedProviderSettings, FileSettings, ModelSettings } from "./file-schema.ts";
import { toTokenPrice } from "./price-schema.ts";
import type { ProviderSettings } from "./provider-settings.ts";

export function listDefinedProviders({ compatible = {} }: FileSettings): readonly ProviderDefinition[] {
  return Object.entries(compatible).map(
    ([name, { models, timeouts, apiKey: _, apiKeyEnv: __, streamUpstream: ___, ...settings }]) => ({
      ...settings,
      name,
      timeouts: timeouts && {
        firstByteMs: timeouts.firstByte,
        idleMs: timeouts.idle,
        totalMs: timeouts.total,
      },
      models: Object.entries(models).map(([model, data]) => ({ ...toModelData(data), name: model, kind: data.kind })),
    }),
  );
}

/** The settings of models of built-in providers, by provider and name. */
export function listModelSettings({ providers = {} }: FileSettings): NonNullable<RegistryOptions["models"]> {
  const entries = Object.entries(providers).map(([provider, settings]) => {
    const models = Object.entries(settings?.models ?? {}).map(([name, model]) => [name, toModelData(model)] as const);
    return [provider, Object.fromEntries(models)] as const;
  });
  return Object.fromEntries(entries);
}

/** Limits stay in the settings, because accounts may have their own. */
function toModelData({ limits, price, ...fields }: ModelSettings): Partial<ModelData> {
  return omitUndefined({ ...fields, price: price && toTokenPrice(price) });
}

/** Its account: with the key that it names, or without a key. */
export function toProviderSettings(name: string, defined: DefinedProviderSettings): ProviderSettings {
  const { baseUrl, apiKey, apiKeyEnv } = defined;
  const prefix = name.replaceAll("-", "_").toUpperCase();
  return {
    apiKey: apiKeyEnv ?? `${prefix}_API_KEY`,
    namedInErrors: { apiKey: `${prefix}_API_KEY`, baseUrl: `${prefix}_BASE_URL` },
    // The base URL is in the file, so no variable contains it.
    baseUrl: { variable: "", defaultUrl: baseUrl },
    extra: {},
    isKeyOptional: apiKey === undefined && apiKeyEnv === undefined,
  };
}

/**
 * Problems of the provider and model names in the mapping `compatible`, which become parts of queue names and lane names. A
 * provider may have the name of a built-in one, which it replaces; `configured` are the names below "providers".
 */
export function findNameProblems(
  compatible: unknown,
  configured: readonly string[],
  at: (path: readonly PropertyKey[]) => string,
): string[] {
  if (typeof compatible !== "object" || compatible === null) return [];
  return Object.entries(compatible).flatMap(([name, provider]) => {
    const where = at(["compatible", name]);
    const problems: string[] = [];
    if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name))
      problems.push(`${where}: expected a name of up to 32 lower-case letters, digits and "-"`);
    if (configured.includes(name))
      problems.push(
        `${where}: this definition replaces the built-in provider; remove providers.${name}, or rename one`,
      );
    const models: unknown = typeof provider === "object" && provider !== null ? provider.models : undefined;
    for (const model of Object.keys(typeof models === "object" && models !== null ? models : {})) {
      if (!MODEL_NAME_PATTERN.test(model))
        problems.push(`${where}.models: expected names of up to 128 letters, digits and "._/:@+~-"`);
    }
    return problems;
  });
}
