import { Secret } from "#src/core/secret.ts";
import { toProviderSettings } from "./defined-providers.ts";
import type { AccountSettings, DefinedProviderSettings, FileSettings, ProviderFileSettings } from "./file-schema.ts";
import { PROVIDER_SETTINGS, type ProviderSettings } from "./provider-settings.ts";
import type { Variables } from "./variables.ts";

/** One account of a provider. Accounts do not share limits, so each has its own lane per model. */
export interface Account {
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey: Secret;
  /** Further account fields of the protocol, such as MiniMax's `groupId`. */
  readonly extra: Readonly<Record<string, Secret>>;
  /** Where it has values from instead of the provider's variables: "MINIMAX_API_KEY" to "MINIMAX_API_KEY_B". */
  readonly sources: ReadonlyMap<string, string>;
}

export interface ProviderAccounts {
  readonly accounts: readonly Account[];
  /** Variables without which an account cannot be used. */
  readonly missing: readonly string[];
}

/** The valid provider variables, by name. */
export type CheckedVariables = ReadonlyMap<string, string | undefined>;

/**
 * The accounts of every known provider. Without a list of accounts there is one, named "default". An account's own
 * settings override the environment, which overrides the provider's settings in the file and the default base URL.
 */
export function resolveAccounts(
  file: FileSettings,
  checked: CheckedVariables,
  variables: Variables,
): Map<string, ProviderAccounts> {
  const builtIn = [...PROVIDER_SETTINGS].map(
    ([name, settings]) => [name, settings, file.providers?.[name] ?? {}] as const,
  );
  const defined = Object.entries(file.compatible ?? {}).map(
    ([name, provider]) => [name, toProviderSettings(name, provider), toAccountSettings(provider)] as const,
  );
  return new Map(
    [...builtIn, ...defined].map(([name, settings, provider]) => {
      const list = provider.accounts ?? [defaultAccount(provider, settings, checked)];
      return [name, resolveProvider(name, list, provider, settings, checked, variables)];
    }),
  );
}

/** The account fields of a user-defined provider; its models belong to the registry. */
function toAccountSettings({ baseUrl, apiKey, apiKeyEnv }: DefinedProviderSettings): ProviderFileSettings {
  return { baseUrl, apiKey, apiKeyEnv };
}

/** The only account of a provider for which the file lists none. */
function defaultAccount(
  provider: ProviderFileSettings,
  settings: ProviderSettings,
  checked: CheckedVariables,
): AccountSettings {
  if (provider.apiKeyEnv !== undefined) return { name: "default", apiKeyEnv: provider.apiKeyEnv };
  const fromFile = checked.get(settings.apiKey) === undefined ? provider.apiKey : undefined;
  return fromFile === undefined
    ? { name: "default", apiKeyEnv: settings.apiKey }
    : { name: "default", apiKey: fromFile };
}

function resolveProvider(
  providerName: string,
  list: readonly AccountSettings[],
  provider: ProviderFileSettings,
  settings: ProviderSettings,
  checked: CheckedVariables,
  variables: Variables,
): ProviderAccounts {
  const missing = new Set<string>();
  const accounts: Account[] = [];
  for (const account of list) {
    const missingVariables: string[] = [];
    const { variable: addressVariable, defaultUrl } = settings.baseUrl;
    const address = account.baseUrl ?? checked.get(addressVariable) ?? provider.baseUrl;
    const given = account.apiKey ?? variables.get(account.apiKeyEnv ?? settings.apiKey)?.trim();
    const key = given ?? (settings.isKeyOptional && address !== undefined ? "" : undefined);
    if (key === undefined)
      missingVariables.push(settings.isKeyOptional ? addressVariable : (account.apiKeyEnv ?? settings.apiKey));
    const extra: Record<string, Secret> = {};
    for (const [field, { variable, required }] of Object.entries(settings.extra)) {
      const found = readField(account, field) ?? checked.get(variable) ?? readField(provider, field);
      if (found !== undefined) extra[field] = new Secret(found);
      else if (required) missingVariables.push(variable);
    }
    const baseUrl = address ?? defaultUrl;
    const name = account.name ?? "default";
    const sources = listSources(providerName, account, provider, settings, checked);
    const complete = key !== undefined && missingVariables.length === 0;
    const password = settings.alternativeKeyField === undefined ? undefined : extra[settings.alternativeKeyField];
    if (complete) accounts.push({ name, baseUrl, apiKey: new Secret(key), extra, sources });
    else if (password)
      accounts.push({ name, baseUrl, apiKey: password, extra: optionalOnly(extra, settings), sources });
    else for (const variableName of missingVariables) missing.add(variableName);
  }
  return { accounts, missing: [...missing] };
}

/** Where each setting is from, by the name that errors give it, unless that name is the variable that it is from. */
function listSources(
  providerName: string,
  account: AccountSettings,
  provider: ProviderFileSettings,
  settings: ProviderSettings,
  checked: CheckedVariables,
): Map<string, string> {
  const { apiKey, baseUrl, namedInErrors = { apiKey, baseUrl: baseUrl.variable }, extra } = settings;
  const ofProvider = (field: string) => `${field} of ${providerName} in sluice.yaml`;
  const ofAccount = (field: string) =>
    provider.accounts ? `${field} of the account ${account.name ?? "default"} in sluice.yaml` : ofProvider(field);
  const sources = new Map<string, string>();
  const addField = (field: string, variable: string, name: string) => {
    if (readField(account, field) !== undefined) sources.set(name, ofAccount(field));
    else if (checked.get(variable) === undefined && readField(provider, field) !== undefined)
      sources.set(name, ofProvider(field));
  };
  const keyVariable = account.apiKeyEnv ?? apiKey;
  if (account.apiKey !== undefined) sources.set(namedInErrors.apiKey, ofAccount("apiKey"));
  else if (keyVariable !== namedInErrors.apiKey) sources.set(namedInErrors.apiKey, keyVariable);
  addField("baseUrl", baseUrl.variable, namedInErrors.baseUrl);
  for (const [field, { variable }] of Object.entries(extra)) addField(field, variable, variable);
  return sources;
}

/** Only the optional fields: an adapter would mistake an incomplete set of required fields for a complete one. */
function optionalOnly(extra: Readonly<Record<string, Secret>>, settings: ProviderSettings) {
  return Object.fromEntries(Object.entries(extra).filter(([field]) => !settings.extra[field]?.required));
}

/** A field by its name. Those of PROVIDER_SETTINGS are not in the static type of the schema. */
function readField(settings: object, field: string): string | undefined {
  const value = Object.getOwnPropertyDescriptor(settings, field)?.value;
  return typeof value === "string" ? value : undefined;
}

/** Settings that work but are probably mistakes. */
export function findAccountWarnings(
  resolved: ReadonlyMap<string, ProviderAccounts>,
  file: FileSettings,
  checked: CheckedVariables,
): string[] {
  return [...resolved].flatMap(([name, { accounts, missing }]) => {
    const warnings: string[] = [];
    if (accounts.length > 0 && missing.length > 0)
      warnings.push(`${name}: ${missing.join(", ")} is not set, so not all accounts are used`);
    const owners = new Map<string, string>();
    for (const account of accounts) {
      const owner = owners.get(account.apiKey.reveal());
      if (account.apiKey.reveal() === "") continue;
      if (owner === undefined) owners.set(account.apiKey.reveal(), account.name);
      else
        warnings.push(
          `${name}: accounts ${owner} and ${account.name} use the same key, so they share the provider's limits`,
        );
      if (sendsKeyInClear(account.baseUrl)) {
        warnings.push(`${name}: ${account.baseUrl} is not https, so the key is sent unencrypted`);
      }
    }
    const variable = PROVIDER_SETTINGS.get(name)?.apiKey ?? "";
    const list = file.providers?.[name]?.accounts;
    if (list && checked.get(variable) !== undefined && !list.some((one) => one.apiKeyEnv === variable)) {
      warnings.push(`${variable} is set but not used, because the settings file lists the accounts of ${name}`);
    }
    return warnings;
  });
}

function sendsKeyInClear(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === "http:" && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
