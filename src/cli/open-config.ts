import { type Config, loadConfig } from "../config.ts";
import { defineProviders, nameModels } from "../providers/registry.ts";

/** The configuration, with the providers and models it names made known to all look-ups. Throws ConfigError. */
export function openConfig(file: string | undefined): Config {
  const config = loadConfig(file === undefined ? {} : { file });
  defineProviders(config.definedProviders);
  nameModels(config.namedModels);
  return config;
}
