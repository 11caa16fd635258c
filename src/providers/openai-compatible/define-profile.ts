import type { ModelData } from "#src/providers/provider.ts";
import type { CompatibleProfile } from "./profile.ts";

/** What a user says of an OpenAI-compatible provider. */
export interface ProviderDefinition {
  readonly name: string;
  readonly baseUrl: string;
  readonly models: readonly ModelData[];
  /** How vectors are asked for; numbers unless said otherwise, which every server can send. */
  readonly encoding?: "float" | "base64";
}

/** The profile of a provider that the user defined: the common protocol without peculiarities. */
export function defineProfile({ name, baseUrl, models, encoding = "float" }: ProviderDefinition): CompatibleProfile {
  return {
    name,
    defaultBaseUrl: baseUrl,
    envPrefix: name.replaceAll("-", "_").toUpperCase(),
    encoding,
    maxInputs: 16,
    models,
  };
}
