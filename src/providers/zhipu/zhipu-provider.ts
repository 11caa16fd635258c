import { randomUUID } from "node:crypto";
import { ProviderError } from "#src/core/errors.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat-codec.ts";
import {
  decodeEmbeddingResponse,
  type EmbeddingDialect,
  encodeEmbeddingRequest,
} from "#src/providers/openai-compatible/embedding-codec.ts";
import type {
  ChatModel,
  ChatRequest,
  EmbeddingModel,
  ModelData,
  Provider,
  ProviderAccount,
} from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createZhipuChatDialect } from "./chat-dialect.ts";
import { classifyZhipuBody, classifyZhipuResponse } from "./classify-error.ts";
import { type Credentials, createKeyCredentials, createTokenCredentials } from "./credentials.ts";
import { ZHIPU_MODELS, ZHIPU_NAME } from "./profile.ts";

const TOKEN_EXPIRED = "1003";
const DEFAULT_MAX_INPUTS = 64;

/**
 * Zhipu for one account. `account.extra.auth` is `key` (the key as it is, when absent) or `jwt` (tokens made from it);
 * a token that Zhipu calls expired is made anew once per call. `close` closes the transport.
 */
export function createZhipuProvider(account: ProviderAccount, transport: Transport): Provider {
  const credentials =
    account.extra?.auth === "jwt" ? createTokenCredentials(account.apiKey) : createKeyCredentials(account.apiKey);
  const base = account.baseUrl.replace(/\/+$/, "");
  const headers = async () => ({ authorization: await credentials.header() });
  return {
    name: ZHIPU_NAME,
    chat: (model) => {
      const url = new URL(`${base}/chat/completions`);
      const open = (request: ChatRequest) => {
        const codec = createChatCodec(createZhipuChatDialect(model, readRequestId(request) ?? randomUUID()));
        return createHttpChatModel({ provider: ZHIPU_NAME, transport, url, headers, codec });
      };
      return createRenewingModel(open, credentials);
    },
    embedding: (model) =>
      createEmbeddingModel(model, {
        url: new URL(`${base}/embeddings`),
        credentials,
        transport,
      }),
    close: () => transport.close(),
  };
}

/** The caller's own, which answers are compared with in the place of ours. */
function readRequestId({ extra }: ChatRequest): string | undefined {
  return typeof extra?.request_id === "string" ? extra.request_id : undefined;
}

/**
 * The chat model with an expired token made anew. A stream that has begun is never repeated. `open` gives a model for
 * one call, since each call has an id of its own.
 */
function createRenewingModel(open: (request: ChatRequest) => ChatModel, credentials: Credentials): ChatModel {
  return {
    generate: (request, call) => retryOnExpiredToken(credentials, () => open(request).generate(request, call)),
    async *stream(request, call) {
      let hasStarted = false;
      try {
        for await (const event of open(request).stream(request, call)) {
          hasStarted = true;
          yield event;
        }
      } catch (error) {
        if (hasStarted || !isExpired(error) || !credentials.renew()) throw error;
        yield* open(request).stream(request, call);
      }
    },
  };
}

async function retryOnExpiredToken<T>(credentials: Credentials, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isExpired(error) || !credentials.renew()) throw error;
    return await run();
  }
}

function isExpired(error: unknown): boolean {
  return error instanceof ProviderError && error.code === TOKEN_EXPIRED;
}

interface EmbeddingWire {
  readonly url: URL;
  readonly credentials: Credentials;
  readonly transport: Transport;
}

function createEmbeddingModel(model: string, wire: EmbeddingWire): EmbeddingModel {
  const { url, credentials, transport } = wire;
  const data: ModelData = ZHIPU_MODELS.find((known) => known.name === model && known.kind === "embedding") ?? {
    name: model,
    kind: "embedding",
  };
  const maxInputs = data.maxInputs ?? DEFAULT_MAX_INPUTS;
  const dialect: EmbeddingDialect = {
    provider: ZHIPU_NAME,
    maxInputs,
    encoding: "omitted",
    classifyBody: classifyZhipuBody,
    classifyResponse: classifyZhipuResponse,
  };
  return {
    maxInputs,
    ...(data.maxTokens !== undefined && { maxTokens: data.maxTokens }),
    ...(data.maxBatchTokens !== undefined && { maxBatchTokens: data.maxBatchTokens }),
    async embed(request, call) {
      const body = encodeEmbeddingRequest(data, request, dialect);
      const response = await retryOnExpiredToken(credentials, async () => {
        const headers = { authorization: await credentials.header(), "content-type": "application/json" };
        const answer = await transport.post({ provider: ZHIPU_NAME, url, headers, body }, call);
        if (answer.status !== 200) throw classifyZhipuResponse(answer, Date.now());
        return answer;
      });
      const dimensions = request.dimensions ?? data.dimensions;
      const expected = { count: request.inputs.length, ...(dimensions !== undefined && { dimensions }) };
      return decodeEmbeddingResponse(response, expected, Date.now(), dialect);
    },
  };
}
