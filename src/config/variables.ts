import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { describeReadError } from "#src/core/describe-path.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { editDistance } from "#src/core/similar-names.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { describeIssues } from "./describe-issues.ts";
import { baseUrlSchema, extraSchema } from "./provider-schemas.ts";
import { PROVIDER_SETTINGS, type ProviderSettings } from "./provider-settings.ts";
import { areProxies } from "./trusted-proxies.ts";
import { logLevel, oneOf, redisUrl, setting, text } from "./value-schemas.ts";

const namespace = text('expected up to 64 letters, digits, ".", "-" and "_", with a letter or digit first', (raw) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(raw),
);
const path = text("expected a path", undefined, "path");
/** Other programs read the standard variables too: a value that Sluice cannot use causes a warning, never an error. */
const anyText = text("expected any text", () => true);
const password = text("expected at least 8 characters", (raw) => raw.trim().length >= 8, "at least 8 characters");

/** The form of the Standard Webhooks specification, which wants 24 to 64 bytes. */
function isWebhookSecret(raw: string): boolean {
  const [, key = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(raw.trim()) ?? [];
  return Buffer.from(key, "base64").length >= 24;
}

/** Headings of the variables in the documentation. */
export const VARIABLE_GROUPS = ["Redis", "Providers", "Sluice", "Dashboard", "Network and terminal", "Traces"] as const;
export type VariableGroup = (typeof VARIABLE_GROUPS)[number];

const redisVariables = {
  REDIS_URL: setting(
    redisUrl,
    "Redis to use: redis://[user:password@]host[:6379][/db], rediss://..., unix:///path/to.sock, redis+sentinel://host:26379,host:26379/master-name or redis+cluster://host:6379,host:6379",
    { default: "a private Redis in .sluice/redis" },
  ),
  SLUICE_REDIS_SERVER: setting(path, "Path of the redis-server or valkey-server for the private Redis", {
    default: "the one on PATH",
  }),
};

const sluiceVariables = {
  SLUICE_NAMESPACE: setting(
    namespace,
    "First part of every Redis key; installations that share a Redis need different ones",
    {
      type: 'up to 64 letters, digits, ".", "-" and "_"',
      default: "sluice",
    },
  ),
  SLUICE_HOME: setting(path, "Folder that contains .sluice", { default: "the working directory" }),
  SLUICE_CONFIG: setting(path, "Settings file", { default: "sluice.yaml in the working directory, if it exists" }),
  SLUICE_LOG_LEVEL: setting(logLevel, "Least severe level that is logged", { default: "info" }),
  XDG_CACHE_HOME: setting(
    path,
    `Folder of the user's caches; "${SUGGESTED_COMMANDS.refreshModels()}" writes to sluice in it`,
    {
      default: "~/.cache",
    },
  ),
};

const dashboardVariables = {
  SLUICE_VIEWER_PASSWORD: setting(
    password,
    "Password for read-only access. Without passwords, the dashboard listens on the loopback address only and everybody on the machine may use it",
  ),
  SLUICE_OPERATOR_PASSWORD: setting(password, "Password for operators, who may also act on runs and read item texts"),
  SLUICE_WEBHOOK_SECRET: setting(
    text("expected whsec_ and at least 24 bytes in base64", isWebhookSecret, "whsec_ and base64"),
    "Signs the events that the HTTP API sends when a batch ends (api.webhook)",
  ),
  SLUICE_TRUSTED_PROXIES: setting(
    text("expected addresses, networks such as 10.0.0.0/8, or loopback, separated by commas", areProxies),
    "Reverse proxies in front of the dashboard. The dashboard takes a client's address from X-Forwarded-For only if the request comes from one of them",
    { type: "addresses, networks such as 10.0.0.0/8, or loopback, separated by commas", default: "none" },
  ),
};

const networkVariables = {
  HTTPS_PROXY: setting(
    text("expected the URL of a proxy", (raw) => /^https?:\/\/\S+$/.test(raw.trim())),
    "Proxy for calls to providers; https_proxy is read as well",
    { type: "URL" },
  ),
  NO_PROXY: setting(
    text("expected a list of hosts", undefined, "list of hosts"),
    "Hosts to reach without the proxy, separated by commas; no_proxy is read as well",
  ),
  NODE_EXTRA_CA_CERTS: setting(path, "PEM file with additional certificate authorities"),
  NO_COLOR: setting(anyText, "Any value switches colors off"),
  TERM: setting(anyText, "Set by the terminal; dumb selects plain lines instead of the live panel"),
};

const traceVariables = {
  SLUICE_TRACES: setting(
    oneOf(["0", "1"]),
    "1: record spans from submission to commit, without contents, and export them by OTLP over HTTP; 0: never",
    { default: "1 if one of the OTLP endpoints is set" },
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(anyText, "Base URL of the collector; /v1/traces is appended", {
    type: "URL",
    default: "http://localhost:4318",
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting(anyText, "Complete URL of the collector for traces", { type: "URL" }),
  OTEL_EXPORTER_OTLP_HEADERS: setting(anyText, "Headers for the collector: name=value,name=value"),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: setting(anyText, "Headers for traces only; replaces OTEL_EXPORTER_OTLP_HEADERS"),
  OTEL_EXPORTER_OTLP_PROTOCOL: setting(anyText, "grpc switches traces off, because Sluice exports over HTTP only"),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: setting(anyText, "The same, for traces only"),
  OTEL_SERVICE_NAME: setting(anyText, "Service name in traces", { default: "sluice" }),
  OTEL_TRACES_SAMPLER_ARG: setting(anyText, "Share of traces to record", { type: "0 to 1", default: "1" }),
  OTEL_TRACES_EXPORTER: setting(anyText, "none switches traces off"),
  OTEL_SDK_DISABLED: setting(anyText, "true switches traces off"),
};

const generalSchema = z.strictObject({
  ...redisVariables,
  ...sluiceVariables,
  ...networkVariables,
  ...traceVariables,
  ...dashboardVariables,
});
export type GeneralVariables = z.infer<typeof generalSchema>;

const providerSchema = z.strictObject(
  Object.fromEntries(
    [...PROVIDER_SETTINGS].flatMap(([name, provider]) => [
      [provider.apiKey, setting(text("expected the key as text"), describeKey(name, provider))],
      [
        provider.baseUrl.variable,
        setting(baseUrlSchema(provider), `Base URL of ${name}`, { default: provider.baseUrl.defaultUrl }),
      ],
      ...Object.values(provider.extra).map(
        ({ variable, form, description, default: defaultValue }) =>
          [variable, setting(extraSchema(form), `${name}: ${description}`, { default: defaultValue })] as const,
      ),
    ]),
  ),
);

function describeKey(name: string, { isKeyOptional, baseUrl }: ProviderSettings): string {
  return isKeyOptional
    ? `API key of ${name}, if the server needs one; ${baseUrl.variable} enables the provider`
    : `API key of ${name}`;
}

/** The schemas of all variables by the heading of the documentation; `listVariables` reads them. */
export const VARIABLE_SCHEMAS: Readonly<Record<VariableGroup, Readonly<Record<string, z.core.$ZodType>>>> = {
  Redis: redisVariables,
  Providers: providerSchema.shape,
  Sluice: sluiceVariables,
  Dashboard: dashboardVariables,
  "Network and terminal": networkVariables,
  Traces: traceVariables,
};

/** Every variable that Sluice reads under a fixed name; `apiKeyEnv` adds further names. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...Object.keys(generalSchema.shape),
  ...Object.keys(providerSchema.shape),
];

/** Programs read these in upper case and in lower case. */
const EITHER_CASE = new Set(["HTTPS_PROXY", "NO_PROXY"]);

/** The environment, which overrides `.env`. Empty values count as unset, because `.env` templates contain them. */
export class Variables {
  readonly #values = new Map<string, { value: string; fromFile: boolean }>();

  constructor(env: Readonly<Record<string, string | undefined>>, dotEnv: Readonly<Record<string, string>>) {
    for (const [name, value] of Object.entries(dotEnv)) {
      if (value.trim() !== "") this.#values.set(name, { value, fromFile: true });
    }
    for (const [name, value] of Object.entries(env)) {
      if (value !== undefined && value.trim() !== "") this.#values.set(name, { value, fromFile: false });
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name)?.value;
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  /** The name under which a known variable is set: some may be in lower case. */
  findName(name: string): string {
    const isLowerCase = EITHER_CASE.has(name) && !this.#values.has(name) && this.#values.has(name.toLowerCase());
    return isLowerCase ? name.toLowerCase() : name;
  }

  /** The variable as messages name it: as it was written, with the file if it comes from `.env`. */
  label(name: string): string {
    const written = this.findName(name);
    return this.#values.get(written)?.fromFile ? `.env: ${written}` : written;
  }
}

/** Reads `.env` of the folder; a missing file counts as empty. */
export function readDotEnv(cwd: string, problems: string[], warnings: string[]): Record<string, string> {
  const file = join(cwd, ".env");
  if (!existsSync(file)) return {};
  try {
    const entries = Object.entries(parseEnv(readFileSync(file, "utf8")));
    const set = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    if (set.some(isLikelySecret) && (statSync(file).mode & 0o044) !== 0) {
      warnings.push(".env contains a secret and other users can read it; run: chmod 600 .env");
    }
    return Object.fromEntries(set);
  } catch (thrown) {
    problems.push(`.env: cannot be read: ${describeReadError(thrown)}`);
    return {};
  }
}

/** Judged by its name, or because it is a URL with a password; sluice.yaml may name further variables with keys. */
function isLikelySecret([name, value]: [string, string]): boolean {
  if (value.trim() === "") return false;
  return /KEY|SECRET|PASSWORD|TOKEN/.test(name) || /^[a-z+]+:\/\/[^@/]*:[^@/]+@/i.test(value);
}

function parse<T extends z.ZodObject>(schema: T, variables: Variables, problems: string[]) {
  const names = Object.keys(schema.shape);
  const input = omitUndefined(Object.fromEntries(names.map((name) => [name, variables.get(variables.findName(name))])));
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const name = ([first]: readonly PropertyKey[]) => variables.label(String(first));
  problems.push(...describeIssues(schema, input, result.error.issues, name));
  return undefined;
}

/** The checked variables. Each invalid variable adds a problem; the result is then empty. */
export function parseVariables(variables: Variables, problems: string[]) {
  const general: GeneralVariables = parse(generalSchema, variables, problems) ?? {};
  const provider = parse(providerSchema, variables, problems) ?? {};
  return { general, provider: new Map(Object.entries(provider)) };
}

/**
 * Warnings about variables that are probably misspelled. Unknown variables are otherwise ignored, because container
 * platforms add names such as SLUICE_PORT by themselves.
 */
export function findMisspelledVariables(variables: Variables, alsoKnown: ReadonlySet<string>): string[] {
  return variables.names().flatMap((name) => {
    if (KNOWN_VARIABLES.includes(name) || alsoKnown.has(name) || !/^[A-Z][A-Z0-9_]{5,}$/.test(name)) return [];
    const suggestion = KNOWN_VARIABLES.find((known) => known.includes("_") && editDistance(name, known, 3) < 3);
    if (suggestion === undefined || variables.get(suggestion) !== undefined) return [];
    return [`${variables.label(name)} is not a variable that Sluice reads; did you mean ${suggestion}?`];
  });
}
