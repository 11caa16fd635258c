import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ErrorCodeClass } from "#src/providers/openai-compatible/profile.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ModelFacts } from "#src/providers/provider-entry.ts";

export const GEMINI_NAME = "gemini";

/** As Google's own client takes it: without a version. */
export const GEMINI_BASE_URL = "https://generativelanguage.googleapis.com";

/** Inputs per call of `batchEmbedContents`. */
export const GEMINI_MAX_INPUTS = 100;

/** The tasks that embeddings can be optimized for. */
const TASK_TYPES = [
  "SEMANTIC_SIMILARITY",
  "CLASSIFICATION",
  "CLUSTERING",
  "RETRIEVAL_DOCUMENT",
  "RETRIEVAL_QUERY",
  "CODE_RETRIEVAL_QUERY",
  "QUESTION_ANSWERING",
  "FACT_VERIFICATION",
];

export const GEMINI_EMBEDDING_DEFAULTS: Partial<ModelData> = {
  maxInputs: GEMINI_MAX_INPUTS,
  embeddingFields: ["task_type", "title"],
  embeddingChoices: { task_type: TASK_TYPES },
};

/** What the catalogue does not say. */
export const GEMINI_MODELS: readonly ModelFacts[] = [
  // Takes the task as an instruction in the text.
  { name: "gemini-embedding-2", kind: "embedding", dimensions: 3072, dimensionChoices: "up-to", embeddingFields: [] },
  { name: "gemini-embedding-001", kind: "embedding", dimensions: 3072, dimensionChoices: "up-to" },
];

const KEY_BLOCKED = { kind: "auth", message: "the API key may not be used for this API" } as const;

/** Statuses and reasons of Google APIs beyond those that its OpenAI endpoint also sends. */
export const GEMINI_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  API_KEY_SERVICE_BLOCKED: KEY_BLOCKED,
  API_KEY_HTTP_REFERRER_BLOCKED: KEY_BLOCKED,
  API_KEY_IP_ADDRESS_BLOCKED: KEY_BLOCKED,
  SERVICE_DISABLED: { kind: "auth", message: "the API is not enabled for the project" },
  CONSUMER_SUSPENDED: { kind: "auth", message: "the project is suspended" },
  BILLING_DISABLED: { kind: "quota", message: "billing is not enabled for the project" },
  FAILED_PRECONDITION: { kind: "auth", message: "the project may not use the API from this region without billing" },
  OUT_OF_RANGE: { kind: "invalid-request", message: "the request was rejected as invalid", yieldsTo: "status" },
  ABORTED: { kind: "server", message: "the upstream failed", yieldsTo: "status" },
  CANCELLED: { kind: "server", message: "the upstream failed", yieldsTo: "status" },
  UNKNOWN: { kind: "server", message: "the upstream failed", yieldsTo: "status" },
};

interface BlockClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
}

const FILTERED: BlockClass = { kind: "content-filter", message: "the answer was withdrawn by the content filter" };
const INVALID_CALL: BlockClass = { kind: "server", message: "the model wrote an invalid function call" };
const FAILED: BlockClass = { kind: "server", message: "the generation failed" };

/** Finish reasons that are failures. */
export const GEMINI_FAILURES: Readonly<Record<string, BlockClass>> = {
  SAFETY: FILTERED,
  RECITATION: FILTERED,
  BLOCKLIST: FILTERED,
  PROHIBITED_CONTENT: FILTERED,
  SPII: FILTERED,
  MODEL_ARMOR: FILTERED,
  IMAGE_SAFETY: FILTERED,
  IMAGE_PROHIBITED_CONTENT: FILTERED,
  IMAGE_RECITATION: FILTERED,
  LANGUAGE: { kind: "content-filter", message: "the answer is in a language that the model does not support" },
  MALFORMED_FUNCTION_CALL: INVALID_CALL,
  UNEXPECTED_TOOL_CALL: INVALID_CALL,
  TOO_MANY_TOOL_CALLS: INVALID_CALL,
  MISSING_THOUGHT_SIGNATURE: { kind: "invalid-request", message: "a function call lacks its thought signature" },
  MALFORMED_RESPONSE: FAILED,
  OTHER: FAILED,
  NO_IMAGE: FAILED,
  IMAGE_OTHER: FAILED,
};

/** The generation in the name of a model, such as 2.5 for "gemini-2.5-pro"; undefined for other names. */
export function readGeminiGeneration(model: string): number | undefined {
  const found = /^gemini-(\d+(?:\.\d+)?)/.exec(model)?.[1];
  return found === undefined ? undefined : Number(found);
}
