import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { confirmInTerminal } from "#src/cli/wiring/confirm.ts";
import { PROVIDER_SETTINGS } from "#src/config/provider-settings.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { askKey, askLimit, askProviders, type Terminal } from "./ask-setup.ts";
import type { initCommand } from "./definition.ts";
import { addVariables, formatSettings, type ProviderChoice, writeSetup } from "./setup-files.ts";

const SETTINGS_FILE = "sluice.yaml";
const ENV_FILE = ".env";

type InitOptions = OptionValues<typeof initCommand>;

/** `sluice init`. Writes nothing before all questions are answered. */
export async function runInit(
  options: InitOptions,
  terminal: Terminal = { input: process.stdin, output: process.stdout },
): Promise<number> {
  const dir = process.cwd();
  const asks = !options.yes;
  if (asks && !terminal.input.isTTY) throw CLI_ERRORS.needsConfirmation("writes sluice.yaml");
  const path = join(dir, SETTINGS_FILE);
  if (existsSync(path) && !options.force) {
    if (!asks) throw CLI_ERRORS.settingsExist(path);
    if (!(await confirmInTerminal(`Replace ${path}?`, "replaces sluice.yaml"))) return EXIT_CODES.interrupted;
  }
  const names = options.provider ?? (asks ? await askProviders([...PROVIDER_SETTINGS.keys()], terminal) : []);
  if (names === undefined) return EXIT_CODES.interrupted;
  checkProviders(names, options.keyEnv);
  const { requestsPerMinute, concurrency, keyEnv } = options;
  const envFile = join(dir, ENV_FILE);
  const before = existsSync(envFile) ? readFileSync(envFile, "utf8") : "";
  const known = parseEnv(before);
  const choices: ProviderChoice[] = [];
  const keys: Record<string, string> = {};
  for (const provider of names) {
    const variable = keyEnv ?? PROVIDER_SETTINGS.get(provider)?.apiKey ?? "";
    if (asks && !known[variable]) {
      const key = await askKey(provider, variable, terminal);
      if (key === undefined) return EXIT_CODES.interrupted;
      if (key !== "") keys[variable] = key;
    }
    const limit = asks && requestsPerMinute === undefined ? await askLimit(provider, terminal) : { requestsPerMinute };
    if (limit === undefined) return EXIT_CODES.interrupted;
    const hasLimits = concurrency !== undefined || limit.requestsPerMinute !== undefined;
    // An account with limits of its own must name its key.
    const named = keyEnv ?? (hasLimits && variable !== "" ? variable : undefined);
    choices.push(omitUndefined({ provider, keyEnv: named, concurrency, ...limit }));
  }
  const settings = { [SETTINGS_FILE]: formatSettings(choices) };
  const hasKeys = Object.keys(keys).length > 0;
  writeSetup(dir, hasKeys ? { ...settings, [ENV_FILE]: addVariables(before, keys) } : settings);
  process.stdout.write(`wrote ${hasKeys ? `${SETTINGS_FILE} and ${ENV_FILE}` : SETTINGS_FILE} in ${dir}\n`);
  process.stdout.write(`Next, check your setup: ${SUGGESTED_COMMANDS.doctor()}\n`);
  return EXIT_CODES.ok;
}

function checkProviders(names: readonly string[], keyEnv: string | undefined): void {
  if (names.length === 0) throw CLI_ERRORS.noProviderGiven();
  const unknown = names.find((name) => !PROVIDER_SETTINGS.has(name));
  if (unknown !== undefined) throw CLI_ERRORS.unknownProviderName(unknown, [...PROVIDER_SETTINGS.keys()]);
  if (keyEnv !== undefined && names.length > 1) throw CLI_ERRORS.keyOfSeveralProviders();
}
