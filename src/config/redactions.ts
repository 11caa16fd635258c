import type { ProviderAccounts } from "./accounts.ts";
import { PROVIDER_SETTINGS } from "./provider-settings.ts";
import type { SettingsFile } from "./settings-file.ts";
import type { Variables } from "./variables.ts";

/** Shorter texts occur in ordinary words, whose removal would make messages unreadable. */
const MIN_SECRET_LENGTH = 4;

/** Every secret of the configuration, longest first: removing a part first would leave the rest of the longer one. */
export function listRedactions(
  variables: Variables,
  file: SettingsFile,
  accounts: ReadonlyMap<string, ProviderAccounts>,
): readonly string[] {
  const found = new Set<string>();
  for (const [name, { accounts: list }] of accounts) {
    for (const { apiKey, extra } of list) {
      found.add(apiKey.reveal());
      for (const [field, value] of Object.entries(extra)) {
        // URLs and choices are not secrets, and removing a word like "http" would garble every message.
        if (PROVIDER_SETTINGS.get(name)?.extra[field]?.form === "text") found.add(value.reveal());
      }
    }
  }
  for (const { apiKey } of PROVIDER_SETTINGS.values()) found.add(variables.get(apiKey)?.trim() ?? "");
  for (const name of ["SLUICE_VIEWER_PASSWORD", "SLUICE_OPERATOR_PASSWORD", "SLUICE_WEBHOOK_SECRET"]) {
    found.add(variables.get(name)?.trim() ?? "");
  }
  for (const secret of file.secrets) addUrlSecrets(found, secret.trim());
  for (const name of ["REDIS_URL", "HTTPS_PROXY", "https_proxy"]) {
    addUrlSecrets(found, variables.get(name)?.trim() ?? "");
  }
  for (const name of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]) {
    for (const pair of variables.get(name)?.split(",") ?? []) found.add(pair.slice(pair.indexOf("=") + 1).trim());
  }
  const long = [...found].filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  return Object.freeze(long.sort((a, b) => b.length - a.length));
}

/** A URL with a password is secret, and so is the password, both percent-encoded and decoded. */
function addUrlSecrets(found: Set<string>, value: string): void {
  const url = /^[a-z+]+:\/\/(?:[^:@/]*):([^@]+)@/i.exec(value);
  if (url?.[1] !== undefined) {
    found.add(value).add(url[1]);
    try {
      found.add(decodeURIComponent(url[1]));
    } catch {
      // The password is not percent-encoded.
    }
  } else if (!/^[a-z+]+:\/\//i.test(value)) {
    found.add(value);
  }
}

/** The message with every secret replaced by "[redacted]". */
export function scrub(message: string, redactions: readonly string[]): string {
  return redactions.reduce((result, secret) => result.replaceAll(secret, "[redacted]"), message);
}
