import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ModelData } from "#src/providers/provider.ts";

export const SPARK_NAME = "spark";

export const SPARK_BASE_URL = "wss://spark-api.xf-yun.com";
export const SPARK_HTTP_BASE_URL = "https://spark-api-open.xf-yun.com/v1";

/** The provider rejects signatures whose date differs by more from its own clock. */
export const SPARK_CLOCK_TOLERANCE_MS = 300_000;

/** A version of the model. The provider rejects requests whose path and domain do not match. */
export interface SparkVersion {
  readonly model: string;
  readonly path: string;
  readonly domain: string;
  /** Name of the version on the HTTP interface, if it is available there. */
  readonly httpModel?: string;
  /** Maximum of `max_tokens`; the minimum is 1. */
  readonly maxOutputTokens: number;
  readonly contextTokens: number;
  /** Supports a `system` message at the beginning. */
  readonly system: boolean;
  /** Supports function definitions. */
  readonly functions: boolean;
}

const LITE = {
  path: "/v1.1/chat",
  domain: "lite",
  httpModel: "lite",
  maxOutputTokens: 4096,
  contextTokens: 8192,
  system: false,
  functions: false,
};
const PRO = {
  path: "/v3.1/chat",
  domain: "generalv3",
  httpModel: "generalv3",
  maxOutputTokens: 8192,
  contextTokens: 8192,
  system: false,
  functions: false,
};
const MAX = {
  path: "/v3.5/chat",
  domain: "generalv3.5",
  httpModel: "generalv3.5",
  maxOutputTokens: 8192,
  contextTokens: 8192,
  system: true,
  functions: true,
};
const ULTRA = {
  path: "/v4.0/chat",
  domain: "4.0Ultra",
  httpModel: "4.0Ultra",
  maxOutputTokens: 8192,
  contextTokens: 32_768,
  system: true,
  functions: true,
};

/** Products by name and versions by the number in their path; some are two names for the same model. */
export const SPARK_VERSIONS: readonly SparkVersion[] = [
  { model: "lite", ...LITE },
  { model: "pro", ...PRO },
  {
    model: "pro-128k",
    path: "/chat/pro-128k",
    domain: "pro-128k",
    httpModel: "pro-128k",
    maxOutputTokens: 4096,
    contextTokens: 131_072,
    system: false,
    functions: false,
  },
  { model: "max", ...MAX },
  {
    model: "max-32k",
    path: "/chat/max-32k",
    domain: "max-32k",
    httpModel: "max-32k",
    maxOutputTokens: 8192,
    contextTokens: 32_768,
    system: true,
    functions: true,
  },
  { model: "ultra", ...ULTRA },
  { model: "v1.1", ...LITE },
  {
    model: "v2.1",
    path: "/v2.1/chat",
    domain: "generalv2",
    maxOutputTokens: 8192,
    contextTokens: 8192,
    system: false,
    functions: false,
  },
  { model: "v3.1", ...PRO },
  { model: "v3.5", ...MAX },
  { model: "v4.0", ...ULTRA },
];

/** The free product allows two calls per second. The limits of the others are shown in the console of each account. */
const LITE_LIMITS = { requestsPerMinute: 120, pacing: "even" } as const;

/** An embedding service: one text per call, and the same dimensions for all services. */
export interface SparkEmbeddingService {
  readonly model: string;
  /** Origin of the service; a base URL set by the user replaces the origins of all services. */
  readonly baseUrl: string;
  readonly paths: { readonly db: string; readonly query: string };
  /** The purpose as a parameter, for services whose path does not depend on it. */
  readonly domains?: { readonly db: string; readonly query: string };
}

export const SPARK_DIMENSIONS = 2560;
const EMBEDDING_MAX_TOKENS = 2048;

export const SPARK_EMBEDDING_SERVICES: readonly SparkEmbeddingService[] = [
  {
    model: "embedding",
    baseUrl: "https://emb-cn-huabei-1.xf-yun.com",
    paths: { db: "/", query: "/" },
    domains: { db: "para", query: "query" },
  },
  {
    model: "embedding-v2",
    baseUrl: "https://cn-huabei-1.xf-yun.com",
    paths: { db: "/v1/private/sa8a05c27", query: "/v1/private/s50d55a16" },
  },
];

export const SPARK_MODELS: readonly ModelData[] = [
  ...SPARK_VERSIONS.map(({ model, path, contextTokens, maxOutputTokens }) => ({
    name: model,
    kind: "chat" as const,
    maxTokens: contextTokens,
    maxOutputTokens,
    limits: path === LITE.path ? LITE_LIMITS : undefined,
  })),
  ...SPARK_EMBEDDING_SERVICES.map(({ model }) => ({
    name: model,
    kind: "embedding" as const,
    dimensions: SPARK_DIMENSIONS,
    maxInputs: 1,
    maxTokens: EMBEDDING_MAX_TOKENS,
  })),
];

/** Documented ranges, checked before a call because the provider's own error (10005) does not name the parameter. */
export const SPARK_RANGES = {
  topK: { min: 1, max: 6 },
  /** Over WebSocket. 0, which requests greedy decoding, is outside the range. */
  temperature: { above: 0, max: 1 },
  httpTemperature: { min: 0, max: 2 },
  httpTopP: { above: 0, max: 1 },
} as const;

interface SparkErrorCode {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  /** Documented waiting time of the limit. */
  readonly waitMs?: number;
  /** How to fix it. */
  readonly hint?: string;
}

const ASK_FOR_ACCESS =
  "check that the app of SPARK_APP_ID was granted this version or service and has tokens left (each is granted on its own)";

/** `header.code` of a frame or an embedding answer, and the flat `code` of the HTTP interface. 0 is success. */
export const SPARK_CODES: Readonly<Record<number, SparkErrorCode>> = {
  10000: { kind: "server", message: "the upgrade to WebSocket failed" },
  10001: { kind: "server", message: "the upstream could not read the request" },
  10002: { kind: "server", message: "the upstream could not send its answer" },
  10003: { kind: "invalid-request", message: "the request's format was rejected" },
  10004: { kind: "invalid-request", message: "the request's schema was rejected" },
  10005: { kind: "invalid-request", message: "the value of a parameter was rejected" },
  10006: {
    kind: "throttled",
    dimension: "concurrency",
    message: "the user is connected from several places",
  },
  10007: {
    kind: "throttled",
    dimension: "concurrency",
    message: "the user's previous request is still being answered",
  },
  10008: { kind: "overloaded", message: "the service has no capacity left" },
  10009: { kind: "server", message: "the engine could not be reached" },
  10010: { kind: "server", message: "the engine's answer could not be received" },
  10011: { kind: "server", message: "the request could not be sent to the engine" },
  10012: { kind: "server", message: "the engine failed" },
  10013: { kind: "content-filter", message: "the input was rejected by the content filter" },
  10014: { kind: "content-filter", message: "the output was stopped by the content filter" },
  10015: { kind: "auth", message: "the app is on the provider's blocklist" },
  10016: { kind: "auth", message: "the app is not authorized", hint: ASK_FOR_ACCESS },
  10017: { kind: "server", message: "clearing the history failed" },
  10019: { kind: "content-filter", message: "the conversation may violate the provider's rules" },
  10021: { kind: "content-filter", message: "the input was rejected by the content filter" },
  10110: { kind: "overloaded", message: "the service is busy" },
  10139: { kind: "invalid-request", message: "a parameter was rejected" },
  10160: { kind: "invalid-request", message: "the request is not valid JSON" },
  10163: { kind: "invalid-request", message: "the engine rejected a parameter" },
  10165: { kind: "invalid-request", message: "the session handle is invalid" },
  10222: { kind: "server", message: "the engine's network failed" },
  10313: {
    kind: "auth",
    message: "the app id does not belong to the API key",
    hint: "check SPARK_APP_ID and SPARK_API_KEY",
  },
  10404: {
    kind: "auth",
    message: "the model or domain does not exist",
    hint: "check the model's name and SPARK_BASE_URL",
  },
  10907: { kind: "too-long", message: "the history and the question have too many tokens" },
  11200: {
    kind: "auth",
    message: "the app may not use this function, or its quota is used up",
    hint: ASK_FOR_ACCESS,
  },
  11201: {
    kind: "quota",
    message: "the daily quota is used up",
    hint: "resume tomorrow, or request a larger quota",
  },
  11202: { kind: "throttled", dimension: "requests", waitMs: 1000, message: "too many calls per second" },
  11203: { kind: "throttled", dimension: "concurrency", message: "too many concurrent connections" },
};
