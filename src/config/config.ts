import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "#src/core/failures/errors.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { Secret } from "#src/core/secret.ts";
import { findSimilarName } from "#src/core/similar-names.ts";
import { chooseCatalogue } from "#src/providers/catalogue/read-catalogue.ts";
import type { ProviderAccount } from "#src/providers/provider.ts";
import { createRegistry, type ProviderRegistry } from "#src/providers/registry.ts";
import type { TimeLimits } from "#src/providers/transport/transport.ts";
import { type Account, findAccountWarnings, type ProviderAccounts, resolveAccounts } from "./accounts.ts";
import { listDefinedProviders, listModelSettings } from "./defined-providers.ts";
import type { FileSettings } from "./file-schema.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";
import { listRedactions, scrub } from "./redactions.ts";
import { readSettingsFile } from "./settings-file.ts";
import { readTraceSettings, type TraceSettings } from "./trace-settings.ts";
import { splitProxies } from "./trusted-proxies.ts";
import type { LogLevel } from "./value-schemas.ts";
import { findMisspelledVariables, type GeneralVariables, parseVariables, readDotEnv, Variables } from "./variables.ts";

/** How providers are reached. The proxy's URL may contain a password. */
interface TransportSettings {
  readonly proxy: Secret | undefined;
  /** Hosts to reach without the proxy, separated by commas. */
  readonly noProxy: string | undefined;
  /** PEM file with additional certificate authorities. */
  readonly extraCaCerts: string | undefined;
}

/** The checked and frozen contents of the environment, `.env` and sluice.yaml. Settings that are not set are absent. */
export interface Config {
  readonly redisUrl: Secret | undefined;
  /** Path of the redis-server or valkey-server for the private Redis. */
  readonly redisServer: string | undefined;
  /** First part of every Redis key. */
  readonly namespace: string;
  /** Absolute path of the folder that holds `.sluice`. */
  readonly home: string;
  /** Path of the catalogue of models that `sluice models --refresh` writes. */
  readonly catalogueFile: string;
  readonly logLevel: LogLevel;
  readonly noColor: boolean;
  /** The terminal cannot move its cursor (TERM=dumb). */
  readonly isDumbTerminal: boolean;
  readonly transport: TransportSettings;
  /** Passwords of the dashboard's roles. */
  readonly passwords: { readonly viewer: Secret | undefined; readonly operator: Secret | undefined };
  /** Addresses and networks of reverse proxies in front of the dashboard. */
  readonly trustedProxies: readonly string[];
  /** Where traces are sent; undefined if they are off. */
  readonly traces: TraceSettings | undefined;
  readonly run: { readonly window?: number; readonly workers?: number; readonly canaries?: boolean };
  readonly worker: {
    readonly jobs?: number;
    readonly calls?: number;
    readonly graceMs?: number;
    readonly hanging?: { readonly abort?: boolean; readonly factor?: number; readonly leastMs?: number };
  };
  readonly api: {
    /** Absolute path of the folder with files and batches. */
    readonly data: string;
    /** Memory in use from which new requests are refused, in bytes. */
    readonly maxMemory: number | undefined;
    /** Where the end of batches is reported; undefined if it is not. Only the server needs the secret. */
    readonly webhook: { readonly url: string; readonly allowPrivate: boolean } | undefined;
    readonly webhookSecret: Secret | undefined;
    /** Further names of models: name to "provider/model". */
    readonly models: Readonly<Record<string, string>>;
  };
  /** The settings file that was read. */
  readonly file: string | undefined;
  /** Settings that work but are probably mistakes, one sentence each. */
  readonly warnings: readonly string[];
  /** Names of the providers that can be configured. */
  readonly providers: readonly string[];
  /** The built-in providers and models, and those that sluice.yaml adds. */
  readonly registry: ProviderRegistry;
  /** The usable accounts of a provider. Throws ConfigError if the provider is unknown. */
  accounts(provider: string): readonly Account[];
  /** Variables that are missing to use all accounts of a provider; empty if none is missing. */
  missing(provider: string): readonly string[];
  /** The configured limits of a lane, the account's before the model's; undefined if there are none. */
  limits(lane: Lane): LaneLimits | undefined;
  /** The configured time limits of a provider's calls. */
  timeLimits(provider: string): TimeLimits | undefined;
  /** Whether all chat answers of a provider are requested as streams. */
  streamsUpstream(provider: string): boolean;
  /** Every secret, longest first, to remove them from messages. */
  redactions(): readonly string[];
}

export interface ConfigSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The settings file to read instead of SLUICE_CONFIG and ./sluice.yaml. */
  readonly file?: string;
}

/**
 * Loads the configuration from sluice.yaml and `.env` in `cwd` and from the environment; later sources override earlier
 * ones. Throws one ConfigError with all problems. A missing key is not a problem here, because only a command knows which
 * provider it needs.
 */
export function loadConfig({ env = process.env, cwd = process.cwd(), file }: ConfigSources = {}): Config {
  const problems: string[] = [];
  const warnings: string[] = [];
  const variables = new Variables(env, readDotEnv(cwd, problems, warnings));
  const { general, provider } = parseVariables(variables, problems);
  const settingsFile = readSettingsFile(cwd, file ?? general.SLUICE_CONFIG, problems, warnings);
  const { settings } = settingsFile;
  const accounts = resolveAccounts(settings, provider, variables);
  const redactions = listRedactions(variables, settingsFile, accounts);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => scrub(problem, redactions)));
  const named = new Set([...accounts.values()].flatMap(({ missing }) => missing).concat(listKeyVariables(settings)));
  warnings.push(...findAccountWarnings(accounts, settings, provider), ...findMisspelledVariables(variables, named));
  const traces = readTraceSettings(general, warnings);
  return freeze({
    ...generalConfig(general, settings, cwd),
    traces,
    file: settingsFile.path,
    warnings: warnings.map((warning) => scrub(warning, redactions)),
    providers: [...new Set([...PROVIDER_SETTINGS.keys(), ...Object.keys(settings.compatible ?? {})])],
    registry: createRegistry({
      definedProviders: listDefinedProviders(settings),
      models: listModelSettings(settings),
      readCatalogue: () => chooseCatalogue(findCatalogueFile(general)),
    }),
    accounts: (name) => findProviderAccounts(accounts, name).accounts,
    missing: (name) => findProviderAccounts(accounts, name).missing,
    limits: (lane) => findLimits(settings, lane),
    timeLimits: (name) => {
      const { firstByte, idle, total } = settings.providers?.[name]?.timeouts ?? {};
      const limits = omitUndefined({ headersMs: firstByte, idleMs: idle, totalMs: total });
      return Object.keys(limits).length === 0 ? undefined : limits;
    },
    streamsUpstream: (name) => (settings.providers?.[name] ?? settings.compatible?.[name])?.streamUpstream === true,
    redactions: () => redactions,
  });
}

/** An account with its secrets in plain text, only for the adapter that sends them. */
export function revealAccount(account: Account): ProviderAccount {
  const extra = Object.entries(account.extra).map(([field, value]) => [field, value.reveal()] as const);
  return { baseUrl: account.baseUrl, apiKey: account.apiKey.reveal(), extra: Object.fromEntries(extra) };
}

function generalConfig(general: GeneralVariables, settings: FileSettings, cwd: string) {
  const { jobs, calls, grace, hanging } = settings.worker ?? {};
  const { least: leastMs, ...hangSettings } = hanging ?? {};
  const redisUrl = general.REDIS_URL ?? settings.redis?.url;
  const { webhook } = settings.api ?? {};
  return {
    redisUrl: toSecret(redisUrl),
    redisServer: general.SLUICE_REDIS_SERVER ?? settings.redis?.server,
    namespace: general.SLUICE_NAMESPACE ?? "sluice",
    home: resolve(cwd, general.SLUICE_HOME ?? "."),
    catalogueFile: findCatalogueFile(general),
    logLevel: general.SLUICE_LOG_LEVEL ?? settings.log?.level ?? "info",
    noColor: general.NO_COLOR !== undefined,
    isDumbTerminal: general.TERM === "dumb",
    transport: {
      proxy: toSecret(general.HTTPS_PROXY),
      noProxy: general.NO_PROXY,
      extraCaCerts: general.NODE_EXTRA_CA_CERTS,
    },
    passwords: {
      viewer: toSecret(general.SLUICE_VIEWER_PASSWORD),
      operator: toSecret(general.SLUICE_OPERATOR_PASSWORD),
    },
    trustedProxies: splitProxies(general.SLUICE_TRUSTED_PROXIES ?? ""),
    api: {
      data: resolve(cwd, general.SLUICE_HOME ?? ".", settings.api?.data ?? join(".sluice", "api")),
      maxMemory: settings.api?.maxMemory,
      webhook: webhook && { url: webhook.url, allowPrivate: webhook.allowPrivate ?? false },
      webhookSecret: toSecret(general.SLUICE_WEBHOOK_SECRET),
      models: settings.api?.models ?? {},
    },
    run: omitUndefined(settings.run ?? {}),
    worker: omitUndefined({
      ...{ jobs, calls, graceMs: grace },
      hanging: hanging && omitUndefined({ ...hangSettings, leastMs }),
    }),
  };
}

function findCatalogueFile({ XDG_CACHE_HOME }: GeneralVariables): string {
  return join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sluice", "models.json");
}

function toSecret(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}

function findProviderAccounts(accounts: ReadonlyMap<string, ProviderAccounts>, name: string): ProviderAccounts {
  const found = accounts.get(name);
  if (found !== undefined) return found;
  const similar = findSimilarName(name, accounts.keys());
  const suggestion = similar === undefined ? `known: ${[...accounts.keys()].join(", ")}` : `did you mean "${similar}"?`;
  throw new ConfigError([`provider "${name}" is unknown; ${suggestion}`]);
}

function findModelSettings(settings: FileSettings, provider: string, model: string) {
  const defined = settings.compatible ?? {};
  const models =
    settings.providers?.[provider]?.models ??
    (Object.hasOwn(defined, provider) ? defined[provider]?.models : undefined) ??
    {};
  return Object.hasOwn(models, model) ? models[model] : undefined;
}

function findLimits(settings: FileSettings, lane: Lane): LaneLimits | undefined {
  const accounts = settings.providers?.[lane.provider]?.accounts;
  const ofAccount = accounts?.find(({ name }) => name === lane.account)?.limits;
  const ofModel = findModelSettings(settings, lane.provider, lane.model)?.limits;
  const limits = omitUndefined({ ...ofModel, ...ofAccount });
  return Object.keys(limits).length === 0 ? undefined : Object.freeze(limits);
}

/** The variables that sluice.yaml names as `apiKeyEnv`. */
function listKeyVariables(settings: FileSettings): string[] {
  const defined = Object.values(settings.compatible ?? {}).map(({ apiKeyEnv }) => apiKeyEnv);
  return Object.values(settings.providers ?? {})
    .flatMap((provider) => [provider?.apiKeyEnv, ...(provider?.accounts ?? []).map((one) => one.apiKeyEnv)])
    .concat(defined)
    .filter((name) => name !== undefined);
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) Object.freeze(part);
  }
  return Object.freeze(value);
}

/** The environment of a child process: this process's own with `changes`; undefined removes a variable. */
export function childEnvironment(
  changes: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return { ...process.env, ...changes };
}

/** Whether this process runs in a job of GitHub Actions, which reads annotations from its output. */
export function isInGithubActions(): boolean {
  return process.env["GITHUB_ACTIONS"] === "true";
}
