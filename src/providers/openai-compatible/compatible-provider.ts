import { assertInRange, type Range } from "#src/providers/check-range.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type {
  Call,
  DescribeModel,
  EmbeddingModel,
  ModelData,
  Provider,
  ProviderAccount,
  RerankModel,
} from "#src/providers/provider.ts";
import { createHttpRerankModel } from "#src/providers/rerank/http-rerank-model.ts";
import { DEFAULT_MAX_DOCUMENTS } from "#src/providers/rerank/profiles.ts";
import type { HttpResponse, ResponseHead, TimeLimits, Transport } from "#src/providers/transport/transport.ts";
import { createChatCodec } from "./chat/chat-codec.ts";
import type { ChatDialect } from "./chat/chat-dialect.ts";
import { encodeChatBody } from "./chat/chat-request.ts";
import { classifyCompatibleBody, classifyCompatibleResponse } from "./classify-error.ts";
import type { EmbeddingDialect } from "./embedding-codec.ts";
import { createOpenaiEmbeddingModel } from "./embedding-model.ts";
import { addModerations } from "./moderation.ts";
import type { CompatibleProfile } from "./profile.ts";

/** Inputs per embedding call of a vendor whose profile does not say. */
const DEFAULT_MAX_INPUTS = 16;

const EMBEDDING_TOTAL_MS = 180_000;

/** The adapter of an OpenAI-compatible vendor for one account. `close` closes the transport, which accounts may share. */
export function createCompatibleProvider(
  profile: CompatibleProfile,
  account: ProviderAccount,
  transport: Transport,
  describe: DescribeModel,
): Provider {
  const headers = createHeaders(profile, account.apiKey);
  return {
    name: profile.name,
    chat: (model) => {
      const chat = createHttpChatModel({
        provider: profile.name,
        transport,
        url: createUrl(profile, account.baseUrl, model, "chat/completions"),
        headers: () => headers,
        codec: createChatCodec(createCompatibleChatDialect(profile, model, describe(model, "chat").maxOutputTokens)),
        timeLimits: toTimeLimits(profile),
        streamsUpstream: profile.streamsUpstream?.test(model),
        supportsChoices: profile.supportsChoices,
      });
      if (!profile.offersModerations) return chat;
      const url = createUrl(profile, account.baseUrl, model, "moderations");
      const dialect = createErrorDialect(profile, "a result for each input");
      return addModerations(chat, model, dialect, createPost(profile, url, headers, transport));
    },
    embedding: (model) => {
      const url = createUrl(profile, account.baseUrl, model, "embeddings");
      return createEmbeddingModel(profile, describe(model, "embedding"), url, headers, transport);
    },
    rerank:
      profile.rerank && ((model) => createRerankModel(profile, account, describe(model, "rerank"), headers, transport)),
    close: () => transport.close(),
  };
}

function createHeaders({ headers, authHeader }: CompatibleProfile, key: string): Readonly<Record<string, string>> {
  if (key === "") return { ...headers };
  const name = authHeader?.toLowerCase() ?? "authorization";
  return { ...headers, [name]: name === "authorization" ? `Bearer ${key}` : key };
}

function createUrl({ pathPrefix, query = {} }: CompatibleProfile, baseUrl: string, model: string, path: string): URL {
  const parts = [baseUrl.replace(/\/+$/, ""), pathPrefix?.(model), path].filter((part) => part !== undefined);
  const url = new URL(parts.join("/"));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** `totalMs` is added to a configured limit of the first byte, where the total is not configured. */
function toTimeLimits({ timeouts }: CompatibleProfile, totalMs?: number): TimeLimits | undefined {
  if (!timeouts) return undefined;
  const { firstByteMs, idleMs } = timeouts;
  const total = firstByteMs === undefined || totalMs === undefined ? undefined : firstByteMs + totalMs;
  return { headersMs: firstByteMs, idleMs, totalMs: timeouts.totalMs ?? total };
}

/** Exported for tests that decode recorded responses. */
export function createCompatibleChatDialect(
  profile: CompatibleProfile,
  model: string,
  maxOutputTokens?: number,
): ChatDialect {
  const { name, maxTokensField = "as-given", includeUsage = true, reasoningField } = profile;
  const ranges = listRanges(profile, model, maxOutputTokens);
  return {
    provider: name,
    encode: (request, stream) => {
      const body = encodeChatBody(model, request, stream, {
        provider: name,
        maxTokensField,
        includeUsage,
        supportsChoices: profile.supportsChoices,
        encodeReasoning: reasoningField && ((reasoning) => ({ [reasoningField]: reasoning })),
      });
      for (const [field, range] of Object.entries(ranges)) assertInRange(name, field, body[field], range);
      return body;
    },
    classifyBody: (body, head, now) => classifyCompatibleBody(body, head, now, profile),
    classifyResponse: (response, now) => classifyCompatibleResponse(response, now, profile, "a chat answer"),
    failures: {
      error: { kind: "server", message: "the generation failed" },
      abort: { kind: "server", message: "the upstream aborted the generation" },
      insufficient_system_resource: { kind: "overloaded", message: "the upstream ran out of resources" },
    },
    terminal: profile.terminal ?? "both",
  };
}

const ONLY_ONE: Range = { min: 1, max: 1 };

/** The accepted values by field of the body. Servers whose operator chooses the models may accept more. */
function listRanges(
  { isSelfHosted, maxTemperature = 2, fixedSampling }: CompatibleProfile,
  model: string,
  max: number | undefined,
): Readonly<Record<string, Range>> {
  const output = { min: 1, max, integer: true };
  const isFixed = fixedSampling?.test(model) ?? false;
  return {
    max_tokens: output,
    max_completion_tokens: output,
    temperature: isFixed ? ONLY_ONE : { min: 0, max: isSelfHosted ? undefined : maxTemperature },
    top_p: isFixed ? ONLY_ONE : { min: 0, max: 1 },
  };
}

function createEmbeddingModel(
  profile: CompatibleProfile,
  data: ModelData,
  url: URL,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
): EmbeddingModel {
  const dialect: EmbeddingDialect = {
    ...createErrorDialect(profile, "readable vectors"),
    maxInputs: data.maxInputs ?? DEFAULT_MAX_INPUTS,
    encoding: profile.encoding ?? "float",
  };
  return createOpenaiEmbeddingModel(data, dialect, createPost(profile, url, headers, transport));
}

/** `expected` is what a response should contain. */
function createErrorDialect(profile: CompatibleProfile, expected: string) {
  return {
    provider: profile.name,
    classifyBody: (body: JsonObject, head: ResponseHead, now: number) =>
      classifyCompatibleBody(body, head, now, profile),
    classifyResponse: (response: HttpResponse, now: number) =>
      classifyCompatibleResponse(response, now, profile, expected),
  };
}

/** Posts JSON bodies whose answers take no longer than those of embedding calls. */
function createPost(
  profile: CompatibleProfile,
  url: URL,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
): (body: string, call: Call) => Promise<HttpResponse> {
  const timeLimits = toTimeLimits(profile, EMBEDDING_TOTAL_MS);
  const allHeaders = { ...headers, "content-type": "application/json" };
  const request = { provider: profile.name, url, headers: allHeaders, timeLimits };
  return (body, call) => transport.post({ ...request, body }, call);
}

/** TEI reranks at the root of the server. It truncates long texts only on request; the vendors always do. */
function createRerankModel(
  profile: CompatibleProfile,
  { baseUrl }: ProviderAccount,
  { name, maxInputs = DEFAULT_MAX_DOCUMENTS }: ModelData,
  headers: Readonly<Record<string, string>>,
  transport: Transport,
): RerankModel {
  const { rerank: form = "shared" } = profile;
  const base = form === "tei" ? baseUrl.replace(/\/v1\/*$/, "") : baseUrl;
  return createHttpRerankModel({
    transport,
    url: createUrl(profile, base, name, "rerank"),
    headers,
    model: name,
    maxDocuments: maxInputs,
    dialect: {
      provider: profile.name,
      form,
      fields: form === "tei" ? { truncate: true } : undefined,
      classify: (response, now) => classifyCompatibleResponse(response, now, profile, "a score for each document"),
    },
    timeLimits: toTimeLimits(profile, EMBEDDING_TOTAL_MS),
  });
}
