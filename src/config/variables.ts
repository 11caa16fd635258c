import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { editDistance } from "#src/core/similar-names.ts";
import { describeIssues, describeReadError } from "./describe-issues.ts";
import { baseUrlSchema, extraSchema } from "./provider-schemas.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";
import { choice, logLevel, redisUrl, text } from "./value-schemas.ts";

const namespace = text('expected up to 64 letters, digits, ".", "-" and "_", with a letter or digit first', (raw) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(raw),
);
const path = text("expected a path");
/** Standard variables belong to everybody: what cannot be used here is a warning, and never a problem. */
const anyText = text("expected any text", () => true);
const password = text("expected at least 8 characters", (raw) => raw.trim().length >= 8);

/** The variables that belong to no provider. */
const generalVariables = {
  REDIS_URL: redisUrl,
  SLUICE_REDIS_SERVER: path,
  SLUICE_NAMESPACE: namespace,
  SLUICE_HOME: path,
  SLUICE_CONFIG: path,
  SLUICE_LOG_LEVEL: logLevel,
  HTTPS_PROXY: text("expected the URL of a proxy", (raw) => /^https?:\/\/\S+$/.test(raw.trim())),
  NO_PROXY: text("expected a list of hosts"),
  NODE_EXTRA_CA_CERTS: path,
  NO_COLOR: text("expected any text", () => true),
  TERM: anyText,
  SLUICE_TRACES: choice(["0", "1"]),
  OTEL_EXPORTER_OTLP_ENDPOINT: anyText,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: anyText,
  OTEL_EXPORTER_OTLP_HEADERS: anyText,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: anyText,
  OTEL_EXPORTER_OTLP_PROTOCOL: anyText,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: anyText,
  OTEL_SERVICE_NAME: anyText,
  OTEL_TRACES_SAMPLER_ARG: anyText,
  OTEL_TRACES_EXPORTER: anyText,
  OTEL_SDK_DISABLED: anyText,
  SLUICE_VIEWER_PASSWORD: password,
  SLUICE_OPERATOR_PASSWORD: password,
};
const generalSchema = z.strictObject(generalVariables);
export type GeneralVariables = z.infer<typeof generalSchema>;

const providerSchema = z.strictObject(
  Object.fromEntries(
    [...PROVIDER_SETTINGS.values()].flatMap((provider) => [
      [provider.apiKey, text("expected the key as text")],
      [provider.baseUrl.variable, baseUrlSchema(provider)],
      ...Object.values(provider.extra).map(({ variable, form }) => [variable, extraSchema(form)] as const),
    ]),
  ),
);

/** Every variable Sluice reads under a name of its own; names given by `apiKeyEnv` come on top. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...Object.keys(generalVariables),
  ...Object.keys(providerSchema.shape),
];

/** The environment over `.env`, with empty values taken as unset, as `.env` templates leave them. */
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

  /** The variable as a message names it: with the file, when it comes from there. */
  label(name: string): string {
    return this.#values.get(name)?.fromFile ? `.env: ${name}` : name;
  }
}

/** Reads `.env` of the folder; a file that is not there is an empty one. */
export function readDotEnv(cwd: string, problems: string[], warnings: string[]): Record<string, string> {
  const file = join(cwd, ".env");
  if (!existsSync(file)) return {};
  try {
    const entries = Object.entries(parseEnv(readFileSync(file, "utf8")));
    const set = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    if (set.some(isLikelySecret) && (statSync(file).mode & 0o044) !== 0) {
      warnings.push(".env holds a secret and others may read it; run: chmod 600 .env");
    }
    return Object.fromEntries(set);
  } catch (thrown) {
    problems.push(`.env: cannot be read: ${describeReadError(thrown)}`);
    return {};
  }
}

/** By its name, or because it is a URL with a password: which variables hold keys, the settings file may say later. */
function isLikelySecret([name, value]: [string, string]): boolean {
  if (value.trim() === "") return false;
  return /KEY|SECRET|PASSWORD|TOKEN/.test(name) || /^[a-z+]+:\/\/[^@/]*:[^@/]+@/i.test(value);
}

/** Programs agree on capitals and small letters alike for these, so both are read. */
const EITHER_CASE = new Set(["HTTPS_PROXY", "NO_PROXY"]);

function select(variables: Variables, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = variables.get(name) ?? (EITHER_CASE.has(name) ? variables.get(name.toLowerCase()) : undefined);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function parse<T extends z.ZodObject>(schema: T, variables: Variables, problems: string[]) {
  const input = select(variables, Object.keys(schema.shape));
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const name = ([first]: readonly PropertyKey[]) => variables.label(String(first));
  problems.push(...describeIssues(schema, input, result.error.issues, name));
  return undefined;
}

/** The checked variables; each unusable one adds a problem, and then the result is empty. */
export function parseVariables(variables: Variables, problems: string[]) {
  const general: GeneralVariables = parse(generalSchema, variables, problems) ?? {};
  const provider = parse(providerSchema, variables, problems) ?? {};
  return { general, provider: new Map(Object.entries(provider)) };
}

/**
 * Variables that are probably a slip for one of ours. Others are left alone: the environment belongs to everybody,
 * and container platforms add names such as SLUICE_PORT on their own.
 */
export function findMisspelledVariables(variables: Variables, alsoKnown: ReadonlySet<string>): string[] {
  return variables.names().flatMap((name) => {
    if (KNOWN_VARIABLES.includes(name) || alsoKnown.has(name) || !/^[A-Z][A-Z0-9_]{5,}$/.test(name)) return [];
    const suggestion = KNOWN_VARIABLES.find((known) => known.includes("_") && editDistance(name, known, 3) < 3);
    if (suggestion === undefined || variables.get(suggestion) !== undefined) return [];
    return [`${variables.label(name)} is not a variable Sluice reads; did you mean ${suggestion}?`];
  });
}
