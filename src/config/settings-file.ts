import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { parseDocument } from "yaml";
import { describeReadError, formatPath } from "#src/core/describe-path.ts";
import { findNameProblems } from "./defined-providers.ts";
import { describeIssues } from "./describe-issues.ts";
import { type FileSettings, fileSchema } from "./file-schema.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";

const DEFAULT_NAME = "sluice.yaml";
/** Settings files are small and shallow; anything beyond this is a mistake, or aliases that multiply. */
const MAX_DEPTH = 12;
const MAX_VALUES = 20_000;

export interface SettingsFile {
  readonly settings: FileSettings;
  /** The name of the file in messages. */
  readonly label: string;
  readonly path?: string;
  /** Texts found in fields for keys and passwords, even if the file is invalid. */
  readonly secrets: readonly string[];
}

/**
 * Reads the named file, or ./sluice.yaml if it exists. A named file that cannot be read and every invalid setting add a
 * problem; `settings` is then empty.
 */
export function readSettingsFile(
  cwd: string,
  named: string | undefined,
  problems: string[],
  warnings: string[],
): SettingsFile {
  const path = resolve(cwd, named ?? DEFAULT_NAME);
  const label = formatLabel(cwd, path);
  if (named === undefined && !existsSync(path)) {
    if (existsSync(join(cwd, "sluice.yml"))) warnings.push("sluice.yml is not read; name it sluice.yaml");
    return { settings: {}, label, secrets: [] };
  }
  try {
    const { settings, secrets } = parseSettings(readFileSync(path, "utf8"), label, problems);
    if (secrets.length > 0 && (statSync(path).mode & 0o044) !== 0) {
      warnings.push(`${label} contains a secret and other users can read it; run: chmod 600 ${label}`);
    }
    return { settings, label, path, secrets };
  } catch (thrown) {
    problems.push(`${label}: cannot be read: ${describeReadError(thrown)}`);
    return { settings: {}, label, path, secrets: [] };
  }
}

function formatLabel(cwd: string, path: string): string {
  const inside = relative(cwd, path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

/** Parses and checks a settings file. YAML's own messages quote the file, so only their position and code are used. */
export function parseSettings(
  source: string,
  label: string,
  problems: string[],
): { settings: FileSettings; secrets: string[] } {
  const nothing = { settings: {}, secrets: [] };
  const document = parseDocument(source, { prettyErrors: true, logLevel: "silent" });
  if (document.errors.length > 0) {
    for (const { linePos, code } of document.errors) {
      const at = linePos === undefined ? "" : `:${linePos[0].line}:${linePos[0].col}`;
      problems.push(`${label}${at}: not valid YAML: ${code.toLowerCase().replaceAll("_", " ")}`);
    }
    return nothing;
  }
  let content: unknown;
  try {
    content = removeNulls(document.toJS() ?? {}, { values: 0 }, 0);
  } catch {
    problems.push(
      `${label}: too deep or too large for a settings file, or it contains aliases that cannot be resolved`,
    );
    return nothing;
  }
  const secrets = collectSecrets(content);
  return { settings: checkSettings(content, label, problems), secrets };
}

/** Checks the contents of a parsed file. Adds one sentence per problem; the result is then empty. */
export function checkSettings(content: unknown, label: string, problems: string[]): FileSettings {
  const at = (path: readonly PropertyKey[]) => (path.length === 0 ? label : `${label}: ${formatPath(path)}`);
  const result = fileSchema.safeParse(content);
  const found = result.success ? [] : describeIssues(fileSchema, content, result.error.issues, at);
  found.push(...findAccountProblems(content, at));
  if (isMapping(content)) {
    const configured = isMapping(content.providers) ? Object.keys(content.providers) : [];
    found.push(...findNameProblems(content.compatible, configured, at));
  }
  problems.push(...found);
  return result.success && found.length === 0 ? result.data : {};
}

/** `key:` without a value means "not set". Throws RangeError if the contents are too deep, too large or recursive. */
function removeNulls(value: unknown, count: { values: number }, depth: number): unknown {
  count.values += 1;
  if (depth > MAX_DEPTH || count.values > MAX_VALUES) throw new RangeError("too deep or too large");
  if (Array.isArray(value)) return value.map((one) => removeNulls(one, count, depth + 1));
  if (!isMapping(value)) return value;
  const kept = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(kept.map(([key, one]) => [key, removeNulls(one, count, depth + 1)]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Problems that involve several values. Works on unchecked contents, so that all problems are reported together. */
function findAccountProblems(content: unknown, at: (path: readonly PropertyKey[]) => string): string[] {
  const providers = isMapping(content) && isMapping(content.providers) ? content.providers : {};
  return Object.entries(providers).flatMap(([provider, settings]) => {
    if (!isMapping(settings)) return [];
    const path = ["providers", provider];
    const problems = findDuplicateKeys(settings, at(path));
    if (!Array.isArray(settings.accounts)) return problems;
    if ("apiKey" in settings || "apiKeyEnv" in settings) {
      problems.push(`${at(path)}: a key beside "accounts" has no effect; move it into an account`);
    }
    const names = new Set<unknown>();
    for (const [index, account] of settings.accounts.entries()) {
      if (!isMapping(account)) continue;
      const where = at([...path, "accounts", index]);
      problems.push(...findDuplicateKeys(account, where));
      const alternativeField = PROVIDER_SETTINGS.get(provider)?.alternativeKeyField;
      const hasKey = "apiKey" in account || "apiKeyEnv" in account;
      const isKeyOptional = PROVIDER_SETTINGS.get(provider)?.isKeyOptional === true;
      if (!hasKey && !isKeyOptional && !(alternativeField !== undefined && alternativeField in account))
        problems.push(`${where}: expected "apiKeyEnv", got none`);
      if (names.has(account.name)) problems.push(`${where}.name: another account has this name`);
      if (account.name !== undefined) names.add(account.name);
    }
    return problems;
  });
}

function findDuplicateKeys(settings: Record<string, unknown>, where: string): string[] {
  const both = "apiKey" in settings && "apiKeyEnv" in settings;
  return both ? [`${where}: expected either "apiKeyEnv" or "apiKey", got both`] : [];
}

/** Texts in fields for secrets, at any level, so that misplaced secrets are removed from messages as well. */
/** Account fields, and the names that headers with credentials usually have. */
const SECRET_FIELD = /(?:^|[-_])(?:api_?-?(?:key|secret|password)|authorization|token|secret)$/i;

function collectSecrets(content: unknown): string[] {
  if (Array.isArray(content)) return content.flatMap(collectSecrets);
  if (!isMapping(content)) return [];
  return Object.entries(content).flatMap(([key, value]) => {
    if (typeof value !== "string") return collectSecrets(value);
    if (SECRET_FIELD.test(key)) return [value, value.replace(/^Bearer /, "")];
    return key === "url" && value.includes("@") ? [value] : [];
  });
}
