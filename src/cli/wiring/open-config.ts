import { type Config, loadConfig } from "#src/config/config.ts";
import { registerModels, registerProviders } from "#src/providers/registry.ts";

/** The configuration, with the providers and models it names made known to all look-ups. Throws ConfigError. */
export function openConfig(file: string | undefined): Config {
  const config = loadConfig(file === undefined ? {} : { file });
  registerProviders(config.definedProviders);
  registerModels(config.namedModels);
  return config;
}
