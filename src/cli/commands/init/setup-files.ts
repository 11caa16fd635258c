import { randomBytes } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { loadConfig } from "#src/config/config.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";

/** What a user has chosen for one provider. */
export interface ProviderChoice {
  readonly provider: string;
  /** Variable of its key, if that is not the usual one. */
  readonly keyEnv?: string;
  readonly requestsPerMinute?: number;
  readonly concurrency?: number;
}

/** The text of `sluice.yaml`. Pure. */
export function formatSettings(choices: readonly ProviderChoice[]): string {
  const providers = choices.map(({ provider, keyEnv: apiKeyEnv, requestsPerMinute, concurrency }) => {
    const limits = omitUndefined({ requestsPerMinute, concurrency });
    const hasLimits = Object.keys(limits).length > 0;
    const account = omitUndefined({ name: "default", apiKeyEnv, limits: hasLimits ? limits : undefined });
    return [provider, hasLimits || apiKeyEnv !== undefined ? { accounts: [account] } : {}];
  });
  const comment = "# Settings of Sluice; docs/configuration.md lists all of them. API keys are in .env.\n";
  return `${comment}${stringify({ providers: Object.fromEntries(providers) })}`;
}

/** `.env` with further variables; its own lines stay as they are. Throws an Error for a value with a line break. Pure. */
export function addVariables(text: string, variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}\n`);
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${text}${separator}${lines.join("")}`;
}

function quote(value: string): string {
  const mark = ["'", '"', "`"].find((character) => !value.includes(character));
  if (mark === undefined || /[\r\n]/.test(value)) throw new Error("a key contains line breaks or all kinds of quotes");
  return `${mark}${value}${mark}`;
}

/**
 * Writes files of a folder, readable only by their owner, after the configuration loader has accepted them. Throws its
 * ConfigError otherwise. An interruption leaves each file as it was, or complete.
 */
export function writeSetup(dir: string, files: Readonly<Record<string, string>>): void {
  const trial = mkdtempSync(join(tmpdir(), "sluice-init-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(trial, name), text, { mode: 0o600 });
    loadConfig({ cwd: trial, env: {} });
  } finally {
    rmSync(trial, { recursive: true, force: true });
  }
  const suffix = randomBytes(4).toString("hex");
  const written = Object.entries(files).map(([name, text]) => {
    const path = join(dir, name);
    writeFileSync(`${path}.${suffix}`, text, { mode: 0o600, flag: "wx" });
    return path;
  });
  for (const path of written) renameSync(`${path}.${suffix}`, path);
}
