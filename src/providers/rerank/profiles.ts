import { ProviderError } from "#src/core/failures/errors.ts";
import { classifyCompatibleResponse } from "#src/providers/openai-compatible/classify-error.ts";
import type { ProviderFacts } from "#src/providers/provider-entry.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import type { RerankDialect } from "./rerank-codec.ts";

/** A vendor whose models rerank, and embed if `embeddingPath` is set. */
export interface RerankProfile extends ProviderFacts {
  readonly name: string;
  readonly envPrefix: string;
  /** As the vendor's own client takes it: without a version. */
  readonly defaultBaseUrl: string;
  readonly path: string;
  readonly fields?: RerankDialect["fields"];
  /** The path of embedding calls, in the form of OpenAI's. */
  readonly embeddingPath?: string;
}

/** Documents per call where the maximum is higher or unknown: more make calls slow, and cost the same. */
export const DEFAULT_MAX_DOCUMENTS = 1000;

/** Documents that Cohere bills as one search unit. */
const SEARCH_UNIT = 100;

export const RERANK_PROFILES: readonly RerankProfile[] = [
  {
    name: "cohere",
    envPrefix: "COHERE",
    defaultBaseUrl: "https://api.cohere.com",
    path: "v2/rerank",
    kinds: ["rerank"],
    defaults: { rerank: { maxInputs: DEFAULT_MAX_DOCUMENTS, documentsPerSearchUnit: SEARCH_UNIT } },
    models: [
      // Without prices: no source that names the same ones is known.
      { name: "rerank-v3.5", kind: "rerank", maxTokens: 4096 },
      { name: "rerank-v4.0-pro", kind: "rerank", maxTokens: 32_768 },
      { name: "rerank-v4.0-fast", kind: "rerank", maxTokens: 32_768 },
    ],
  },
  {
    name: "jina",
    envPrefix: "JINA",
    defaultBaseUrl: "https://api.jina.ai",
    path: "v1/rerank",
    fields: { return_documents: false },
    embeddingPath: "v1/embeddings",
    kinds: ["rerank", "embedding"],
    defaults: {
      rerank: { maxInputs: DEFAULT_MAX_DOCUMENTS },
      // Without "late_chunking", which embeds all texts of a call together: calls have texts of several requests.
      embedding: {
        maxInputs: 512,
        embeddingFields: ["task", "truncate", "normalized", "embedding_type"],
        embeddingChoices: { embedding_type: ["float", "binary", "ubinary"] },
      },
    },
    models: [
      { name: "jina-embeddings-v3", kind: "embedding", dimensions: 1024, dimensionChoices: "up-to", maxTokens: 8192 },
      { name: "jina-embeddings-v4", kind: "embedding", dimensions: 2048, dimensionChoices: "up-to" },
      { name: "jina-reranker-v2-base-multilingual", kind: "rerank" },
      { name: "jina-reranker-v3", kind: "rerank" },
    ],
  },
];

/** The error of a response without results. Cohere refuses a trial key beyond its calls per month with 429. */
export function classifyRerankResponse(response: HttpResponse, now: number, profile: RerankProfile): ProviderError {
  const error = classifyCompatibleResponse(response, now, profile, "a score for each document");
  if (error.kind !== "throttled" || !/\bcalls? ?(\/|per) ?month/i.test(error.providerMessage ?? "")) return error;
  return new ProviderError(`the calls of this month are used up: use a production key for ${profile.name}`, {
    ...error,
    cause: error.cause,
    kind: "quota",
  });
}
