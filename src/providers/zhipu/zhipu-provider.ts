import { randomUUID } from "node:crypto";
import { ProviderError } from "#src/core/failures/errors.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { EmbeddingDialect } from "#src/providers/openai-compatible/embedding-codec.ts";
import { createOpenaiEmbeddingModel } from "#src/providers/openai-compatible/embedding-model.ts";
import type {
  Call,
  ChatModel,
  ChatRequest,
  DescribeModel,
  EmbeddingModel,
  ModelData,
  Provider,
  ProviderAccount,
} from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import type { HttpResponse, Transport } from "#src/providers/transport/transport.ts";
import { createZhipuChatDialect } from "./chat-dialect.ts";
import { classifyZhipuBody, classifyZhipuResponse } from "./classify-error.ts";
import { type Credentials, createKeyCredentials, createTokenCredentials } from "./credentials.ts";
import { ZHIPU_BASE_URL, ZHIPU_FACTS, ZHIPU_NAME } from "./profile.ts";

const TOKEN_EXPIRED = "1003";

export const ZHIPU_ENTRY: ProviderEntry = {
  name: ZHIPU_NAME,
  defaultBaseUrl: ZHIPU_BASE_URL,
  ...ZHIPU_FACTS,
  create: createZhipuProvider,
};

/**
 * The Zhipu adapter for one account. `account.extra.auth` is `key` (send the key itself, the default) or `jwt` (send
 * tokens signed with it). A call whose token has expired is repeated once with a new token. `close` closes the transport.
 */
function createZhipuProvider(account: ProviderAccount, transport: Transport, describe: DescribeModel): Provider {
  const credentials =
    account.extra?.auth === "jwt" ? createTokenCredentials(account.apiKey) : createKeyCredentials(account.apiKey);
  const base = account.baseUrl.replace(/\/+$/, "");
  const headers = async () => ({ authorization: await credentials.header() });
  return {
    name: ZHIPU_NAME,
    chat: (model) => {
      const url = new URL(`${base}/chat/completions`);
      const { maxOutputTokens } = describe(model, "chat");
      const createModel = (request: ChatRequest) => {
        const codec = createChatCodec(
          createZhipuChatDialect(model, readRequestId(request) ?? randomUUID(), maxOutputTokens),
        );
        return createHttpChatModel({ provider: ZHIPU_NAME, transport, url, headers, codec });
      };
      return createRenewingModel(createModel, credentials);
    },
    embedding: (model) => {
      const url = new URL(`${base}/embeddings`);
      return createEmbeddingModel(describe(model, "embedding"), credentials, async (body, call) => {
        const allHeaders = { ...(await headers()), "content-type": "application/json" };
        return await transport.post({ provider: ZHIPU_NAME, url, headers: allHeaders, body }, call);
      });
    },
    close: () => transport.close(),
  };
}

/** The caller's own request id, which is used instead of a generated one. */
function readRequestId({ extra }: ChatRequest): string | undefined {
  return typeof extra?.request_id === "string" ? extra.request_id : undefined;
}

/**
 * A chat model that repeats a call with a new token when its token has expired, unless a stream has already begun.
 * `createModel` creates a model for one call, because every call has its own request id.
 */
function createRenewingModel(createModel: (request: ChatRequest) => ChatModel, credentials: Credentials): ChatModel {
  return {
    check: (request) => createModel(request).check?.(request) ?? { rejected: [], adjusted: [] },
    generate: (request, call) => retryOnExpiredToken(credentials, () => createModel(request).generate(request, call)),
    async *stream(request, call) {
      let hasStarted = false;
      try {
        for await (const event of createModel(request).stream(request, call)) {
          hasStarted = true;
          yield event;
        }
      } catch (error) {
        if (hasStarted || !isExpired(error) || !credentials.renew()) throw error;
        yield* createModel(request).stream(request, call);
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

function createEmbeddingModel(
  data: ModelData,
  credentials: Credentials,
  post: (body: string, call: Call) => Promise<HttpResponse>,
): EmbeddingModel {
  const dialect: EmbeddingDialect = {
    provider: ZHIPU_NAME,
    maxInputs: data.maxInputs ?? 1,
    encoding: "omitted",
    classifyBody: classifyZhipuBody,
    classifyResponse: classifyZhipuResponse,
  };
  return createOpenaiEmbeddingModel(data, dialect, (body, call) =>
    retryOnExpiredToken(credentials, async () => {
      const response = await post(body, call);
      if (response.status !== 200) throw classifyZhipuResponse(response, Date.now());
      return response;
    }),
  );
}
