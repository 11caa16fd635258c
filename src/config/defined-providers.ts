import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ProviderDefinition } from "#src/providers/openai-compatible/define-profile.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { DefinedModelSettings, DefinedProviderSettings, FileSettings } from "./file-schema.ts";
import { PROVIDER_SETTINGS, type ProviderSettings } from "./provider-settings.ts";

export function listDefinedProviders({ compatible = {} }: FileSettings): readonly ProviderDefinition[] {
  return Object.entries(compatible).map(([name, { baseUrl, encoding, models }]) => ({
    name,
    baseUrl,
    encoding,
    models: Object.entries(models).map(([model, data]) => modelData(model, data)),
  }));
}

/** Limits and price stay with the settings, which win over any table's anyway. */
function modelData(name: string, { limits, price, kind, ...modelFields }: DefinedModelSettings): ModelData {
  return { name, kind, ...omitUndefined(modelFields) };
}

/** How its account is found: by the key it names, or by none. */
export function toProviderSettings(name: string, defined: DefinedProviderSettings): ProviderSettings {
  const { baseUrl, apiKey, apiKeyEnv } = defined;
  return {
    apiKey: apiKeyEnv ?? `${name.replaceAll("-", "_").toUpperCase()}_API_KEY`,
    // Its address stands in the file, so there is no variable to look into.
    baseUrl: { variable: "", defaultUrl: baseUrl },
    extra: {},
    isKeyOptional: apiKey === undefined && apiKeyEnv === undefined,
  };
}

/** What is wrong with the names: they become parts of queue names and lanes beside those we know. */
export function findNameProblems(content: unknown, at: (path: readonly PropertyKey[]) => string): string[] {
  if (typeof content !== "object" || content === null) return [];
  return Object.entries(content).flatMap(([name, provider]) => {
    const where = at(["compatible", name]);
    const problems: string[] = [];
    if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name))
      problems.push(`${where}: expected a name of up to 32 small letters, digits and "-"`);
    if (PROVIDER_SETTINGS.has(name))
      problems.push(`${where}: this provider is built in; configure it under "providers"`);
    const models: unknown = typeof provider === "object" && provider !== null ? provider.models : undefined;
    for (const model of Object.keys(typeof models === "object" && models !== null ? models : {})) {
      if (!/^[\w./:@-]{1,128}$/.test(model))
        problems.push(`${where}.models: expected names of letters, digits and "._/:@-", up to 128 of them`);
    }
    return problems;
  });
}
