import type { ModelData } from "#src/providers/provider.ts";
import type { CompatibleProfile, ProviderTimeouts } from "./profile.ts";

/** An OpenAI-compatible provider as defined in sluice.yaml. */
export interface ProviderDefinition {
  readonly name: string;
  readonly baseUrl: string;
  readonly models: readonly ModelData[];
  /** The requested form of vectors. By default numbers, which every server can send. */
  readonly encoding?: "float" | "base64" | "omitted";
  /** `azure-openai`: the base URL is that of the resource, and the names of models are those of deployments. */
  readonly profile?: "openai" | "azure-openai";
  /** Selects Azure's path of the deployment; without it, the v1 path is used. */
  readonly apiVersion?: string;
  /** By default the name that the request used. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  readonly reasoningField?: "reasoning_content" | "reasoning";
  /** What ends a complete stream; by default a finish reason and `[DONE]`. */
  readonly endOfStream?: "done" | "finish-reason" | "end-of-body";
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly authHeader?: string;
  readonly timeouts?: ProviderTimeouts;
}

/** The profile of a user-defined provider: the common protocol with the given deviations. */
export function defineProfile(definition: ProviderDefinition): CompatibleProfile {
  const { name, baseUrl, models, encoding = "float", maxTokensField, authHeader, query } = definition;
  const azure = definition.profile === "azure-openai" ? describeAzure(definition) : undefined;
  return {
    name,
    defaultBaseUrl: baseUrl,
    envPrefix: name.replaceAll("-", "_").toUpperCase(),
    encoding,
    defaults: { embedding: { maxInputs: 16, embeddingFields: "any", acceptsTokenIds: true } },
    models,
    maxTokensField: maxTokensField ?? azure?.maxTokensField,
    supportsChoices: azure?.supportsChoices,
    offersModerations: azure === undefined,
    rerank: azure ? undefined : "shared",
    reasoningField: definition.reasoningField,
    terminal: definition.endOfStream,
    headers: definition.headers,
    authHeader: authHeader ?? azure?.authHeader,
    query: { ...azure?.query, ...query },
    pathPrefix: azure?.pathPrefix,
    timeouts: definition.timeouts,
  };
}

function describeAzure({ apiVersion }: ProviderDefinition): Partial<CompatibleProfile> {
  return {
    authHeader: "api-key",
    supportsChoices: true,
    maxTokensField: "max_completion_tokens",
    query: apiVersion === undefined ? {} : { "api-version": apiVersion },
    pathPrefix: (model: string) =>
      apiVersion === undefined ? "openai/v1" : `openai/deployments/${encodeURIComponent(model)}`,
  };
}
