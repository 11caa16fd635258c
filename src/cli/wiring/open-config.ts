import { type Config, loadConfig } from "#src/config/config.ts";

/** The configuration of this command line. Throws ConfigError with all problems. */
export function openConfig(file: string | undefined): Config {
  return loadConfig({ file });
}
