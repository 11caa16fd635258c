import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ProviderFacts } from "#src/providers/provider-entry.ts";

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
  /** Base URL of the HTTP interface, if it differs from the other versions'. */
  readonly httpBaseUrl?: string;
  /** Maximum of `max_tokens`; the minimum is 1. Unknown for versions that are not listed. */
  readonly maxOutputTokens?: number;
  readonly contextTokens?: number;
  /** Over WebSocket. The minimum, 0, is outside the range. */
  readonly maxTemperature?: number;
  /** Supports a `system` message at the beginning. */
  readonly system: boolean;
  /** Supports function definitions. */
  readonly functions: boolean;
}

/** The names of a version: product, number in its path, number in the older documentation, and domain. */
const version = (
  names: readonly string[],
  [path, domain, httpModel]: readonly [string, string, string?],
  [contextTokens, maxOutputTokens]: readonly [number, number],
  more: Partial<SparkVersion> = {},
): SparkVersion[] =>
  names.map((model) => ({
    model,
    path,
    domain,
    httpModel,
    maxOutputTokens,
    contextTokens,
    system: false,
    functions: false,
    ...more,
  }));

const CAPABLE = { system: true, functions: true };
/** Reasoning models. */
const X1 = { system: true, maxTemperature: 2, httpBaseUrl: "https://spark-api-open.xf-yun.com/v2" };

export const SPARK_VERSIONS: readonly SparkVersion[] = [
  ...version(["lite", "general", "v1.1", "v1.5"], ["/v1.1/chat", "lite", "lite"], [8192, 4096]),
  ...version(["generalv2", "v2.0", "v2.1"], ["/v2.1/chat", "generalv2"], [8192, 8192]),
  ...version(["pro", "generalv3", "v3.0", "v3.1"], ["/v3.1/chat", "generalv3", "generalv3"], [8192, 8192]),
  ...version(["pro-128k"], ["/chat/pro-128k", "pro-128k", "pro-128k"], [131_072, 4096]),
  ...version(["max", "generalv3.5", "v3.5"], ["/v3.5/chat", "generalv3.5", "generalv3.5"], [8192, 8192], CAPABLE),
  ...version(["max-32k"], ["/chat/max-32k", "max-32k", "max-32k"], [32_768, 8192], CAPABLE),
  ...version(["ultra", "4.0Ultra", "v4.0"], ["/v4.0/chat", "4.0Ultra", "4.0Ultra"], [32_768, 8192], CAPABLE),
  ...version(["x1"], ["/v1/x1", "x1", "x1"], [65_536, 32_768], X1),
  ...version(["spark-x"], ["/v1/x1", "spark-x", "spark-x"], [65_536, 32_768], X1),
];

/** A version by its name. An unlisted one is sent as it is: as domain, as the end of the path, and as model over HTTP. */
export function findSparkVersion(model: string): SparkVersion {
  const unlisted = { model, path: `/chat/${encodeURIComponent(model)}`, domain: model, httpModel: model, ...CAPABLE };
  return SPARK_VERSIONS.find((known) => known.model === model) ?? unlisted;
}

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

export const SPARK_FACTS: ProviderFacts = {
  defaults: { embedding: { dimensions: SPARK_DIMENSIONS, maxInputs: 1, maxTokens: 2048 } },
  models: [
    ...SPARK_VERSIONS.map(({ model, domain, contextTokens, maxOutputTokens }) => ({
      name: model,
      kind: "chat" as const,
      maxTokens: contextTokens,
      maxOutputTokens,
      limits: domain === "lite" ? LITE_LIMITS : undefined,
    })),
    ...SPARK_EMBEDDING_SERVICES.map(({ model }) => ({ name: model, kind: "embedding" as const })),
  ],
};

/** Documented ranges, checked before a call because the provider's own error (10005) does not name the parameter. */
export const SPARK_RANGES = {
  topK: { min: 1, max: 6 },
  /** Maximum over WebSocket, of versions without one of their own. */
  maxTemperature: 1,
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
