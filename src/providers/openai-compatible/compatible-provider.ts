import { ProviderError } from "#src/core/errors.ts";
import { findRangeProblem, type Range } from "#src/providers/check-range.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import type { EmbeddingModel, ModelData, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createChatCodec } from "./chat-codec.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import { encodeChatBody } from "./chat-request.ts";
import { classifyErrorBody, classifyResponse } from "./classify-error.ts";
import { decodeEmbeddingResponse, type EmbeddingDialect, encodeEmbeddingRequest } from "./embedding-codec.ts";
import type { CompatibleProfile } from "./profile.ts";

/** What any vendor is taken to accept when its profile does not say. */
const DEFAULT_MAX_INPUTS = 16;

/** A vendor of the OpenAI protocol for one account. `close` closes the transport, so accounts that share one close together. */
export function createCompatibleProvider(
  profile: CompatibleProfile,
  account: ProviderAccount,
  transport: Transport,
): Provider {
  const base = account.baseUrl.replace(/\/+$/, "");
  const headers = {
    ...profile.headers,
    ...(account.apiKey !== "" && { authorization: `Bearer ${account.apiKey}` }),
  };
  return {
    name: profile.name,
    chat: (model) =>
      createHttpChatModel({
        provider: profile.name,
        transport,
        url: new URL(`${base}/chat/completions`),
        headers: () => headers,
        codec: createChatCodec(createChatDialect(profile, model)),
      }),
    embedding: (model) =>
      createEmbeddingModel(profile, findData(profile, model, "embedding"), {
        url: new URL(`${base}/embeddings`),
        headers: { ...headers, "content-type": "application/json" },
        transport,
      }),
    close: () => transport.close(),
  };
}

function findData(profile: CompatibleProfile, name: string, kind: ModelData["kind"]): ModelData {
  return profile.models.find((model) => model.name === name && model.kind === kind) ?? { name, kind };
}

/** Exported for tests that feed recorded answers to the codec. */
export function createChatDialect(profile: CompatibleProfile, model: string): ChatDialect {
  const { name, maxTokensField = "max_tokens", includeUsage = true, reasoningField } = profile;
  const ranges = listRanges(profile, model);
  return {
    provider: name,
    encode: (request, stream) => {
      const body = encodeChatBody(model, request, stream, {
        provider: name,
        maxTokensField,
        includeUsage,
        encodeReasoning: reasoningField && ((reasoning) => ({ [reasoningField]: reasoning })),
      });
      for (const [field, range] of ranges) checkRange(name, field, body[field], range);
      return body;
    },
    classifyBody: (body, head, now) => classifyErrorBody(body, head, now, profile),
    classifyResponse: (response, now) => classifyResponse(response, now, profile, "chat answer"),
    failures: {
      error: { kind: "server", message: "the model failed half-way" },
      abort: { kind: "server", message: "the upstream gave up half-way" },
      insufficient_system_resource: {
        kind: "overloaded",
        message: "the upstream ran out of resources half-way",
      },
    },
    terminal: profile.terminal ?? "both",
  };
}

/** What is known to be refused, by field of the body: servers of the owner's own are given more freedom. */
function listRanges(profile: CompatibleProfile, model: string): readonly (readonly [string, Range])[] {
  const max = findData(profile, model, "chat").maxOutputTokens;
  const output = { min: 1, integer: true, ...(max !== undefined && { max }) };
  return [
    ["max_tokens", output],
    ["max_completion_tokens", output],
    ["temperature", { min: 0, ...(profile.openModels === undefined && { max: 2 }) }],
    ["top_p", { min: 0, max: 1 }],
  ];
}

function checkRange(provider: string, field: string, value: unknown, range: Range): void {
  const problem = findRangeProblem(value, range);
  if (problem !== undefined) throw new ProviderError(`${field} ${problem}`, { kind: "invalid-request", provider });
}

interface EmbeddingWire {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly transport: Transport;
}

function createEmbeddingModel(profile: CompatibleProfile, data: ModelData, wire: EmbeddingWire): EmbeddingModel {
  const maxInputs = data.maxInputs ?? profile.maxInputs ?? DEFAULT_MAX_INPUTS;
  const maxBatchTokens = data.maxBatchTokens ?? profile.maxBatchTokens;
  const dialect: EmbeddingDialect = {
    provider: profile.name,
    maxInputs,
    encoding: profile.encoding ?? "float",
    classifyBody: (body, head, now) => classifyErrorBody(body, head, now, profile),
    classifyResponse: (response, now) => classifyResponse(response, now, profile, "readable vectors"),
  };
  return {
    maxInputs,
    ...(data.maxTokens !== undefined && { maxTokens: data.maxTokens }),
    ...(maxBatchTokens !== undefined && { maxBatchTokens }),
    async embed(request, call) {
      const body = encodeEmbeddingRequest(data, request, dialect);
      const { url, headers, transport } = wire;
      const response = await transport.post({ provider: profile.name, url, headers, body }, call);
      const dimensions = request.dimensions ?? data.dimensions;
      const expected = { count: request.inputs.length, ...(dimensions !== undefined && { dimensions }) };
      return decodeEmbeddingResponse(response, expected, Date.now(), dialect);
    },
  };
}
