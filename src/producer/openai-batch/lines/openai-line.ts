import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { fromAnthropicParams } from "./from-anthropic.ts";
import { fromCompletion } from "./from-completion.ts";
import { fromGeminiRequest } from "./from-gemini.ts";
import { fromGeminiEmbedding } from "./from-gemini-embedding.ts";
import { fromModeration } from "./from-moderation.ts";
import { fromResponsesBody } from "./from-responses.ts";

/** The endpoints that a run can have; the form of its output depends on them. */
export const BATCH_ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/completions",
  "/v1/moderations",
] as const;
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number];

/** A line of any supported form as a line of OpenAI's format. */
export interface OpenaiLine {
  /** `body` is that of a chat completion or of an embedding. */
  readonly line: JsonObject;
  readonly endpoint: BatchEndpoint | undefined;
  /** The provider of models that are named without one, for files in a vendor's own format. */
  readonly provider?: string;
  /** What cannot be translated. */
  readonly problems: readonly string[];
}

/** Vendors whose hosts differ between customers. */
const VENDOR_HOSTS = /\.(openai\.azure\.com|services\.ai\.azure\.com)$|^generativelanguage\.googleapis\.com$/;

const ENDPOINTS: Readonly<Record<string, { readonly endpoint: BatchEndpoint; readonly read?: ReadBody }>> = {
  "/chat/completions": { endpoint: "/v1/chat/completions" },
  "/embeddings": { endpoint: "/v1/embeddings" },
  "/responses": { endpoint: "/v1/responses", read: fromResponsesBody },
  "/completions": { endpoint: "/v1/completions", read: fromCompletion },
  "/moderations": { endpoint: "/v1/moderations", read: fromModeration },
  "/messages": { endpoint: "/v1/chat/completions", read: fromAnthropicParams },
};
type ReadBody = (body: JsonObject, problems: string[]) => JsonObject;

/** Translates lines of Anthropic's and Gemini's batch formats, and the bodies of other endpoints than chat completions. */
export function toOpenaiLine(line: JsonObject, registry: ProviderRegistry): OpenaiLine {
  const problems: string[] = [];
  const { url, body, params, request, key, ...others } = line;
  if (url === undefined && isObject(params)) {
    const translated = {
      ...others,
      method: "POST",
      url: "/v1/chat/completions",
      body: fromAnthropicParams(params, problems),
    };
    return { line: translated, endpoint: "/v1/chat/completions", provider: "anthropic", problems };
  }
  if (url === undefined && isObject(request)) {
    const isEmbedding = request.content !== undefined;
    const endpoint = isEmbedding ? "/v1/embeddings" : "/v1/chat/completions";
    const translated = (isEmbedding ? fromGeminiEmbedding : fromGeminiRequest)(request, problems);
    const openai = { custom_id: key, ...others, method: "POST", url: endpoint, body: translated };
    return { line: openai, endpoint, provider: "gemini", problems };
  }
  const found = findEndpoint(url, registry);
  if (typeof found === "string") return { line, endpoint: undefined, problems: [`"url" ${found}`] };
  const read = isObject(body) ? (found.read?.(body, problems) ?? body) : body;
  const provider = found.read === fromAnthropicParams ? "anthropic" : undefined;
  return { line: { ...line, url: found.endpoint, body: read }, endpoint: found.endpoint, provider, problems };
}

/** The endpoint of a path with any prefix, or of an absolute URL of a known vendor; otherwise the problem. */
function findEndpoint(url: unknown, { providers }: ProviderRegistry) {
  const expected = FIELD_PROBLEMS.notEndpoint(Object.keys(ENDPOINTS).map((path) => `/v1${path}`));
  if (typeof url !== "string") return expected;
  const absolute = /^https?:\/\//.test(url) ? URL.parse(url) : undefined;
  if (absolute === null) return expected;
  if (absolute) {
    const isKnown = providers.some(({ defaultBaseUrl }) => URL.parse(defaultBaseUrl)?.host === absolute.host);
    if (!isKnown && !VENDOR_HOSTS.test(absolute.hostname)) return FIELD_PROBLEMS.unknownHost;
  }
  const path = absolute?.pathname ?? url;
  const [, end = ""] = /^(?:\/[\w.-]+){0,6}?(\/chat\/completions|\/[a-z]+)$/.exec(path) ?? [];
  if (end === "/rerank") return FIELD_PROBLEMS.rerank;
  return (Object.hasOwn(ENDPOINTS, end) ? ENDPOINTS[end] : undefined) ?? expected;
}
