import type { ModelData } from "#src/providers/provider.ts";
import type { CompatibleProfile } from "./profile.ts";

/** An OpenAI-compatible provider as defined in sluice.yaml. */
export interface ProviderDefinition {
  readonly name: string;
  readonly baseUrl: string;
  readonly models: readonly ModelData[];
  /** The requested form of vectors. By default numbers, which every server can send. */
  readonly encoding?: "float" | "base64";
}

/** The profile of a user-defined provider: the common protocol without deviations. */
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
