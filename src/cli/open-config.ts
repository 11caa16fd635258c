import { type Config, loadConfig } from "../config.ts";
import { defineProviders } from "../providers/registry.ts";

/** The configuration, with the providers it defines made known to all look-ups. Throws ConfigError. */
export function openConfig(file: string | undefined): Config {
  const config = loadConfig(file === undefined ? {} : { file });
  defineProviders(config.definedProviders);
  return config;
}
