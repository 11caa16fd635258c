import { ProviderError } from "#src/core/errors.ts";
import type { ChatModel, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createEmbeddingModel } from "./embedding-model.ts";
import { createHttpChat } from "./http-chat.ts";
import {
  SPARK_EMBEDDING_SERVICES,
  SPARK_HTTP_BASE_URL,
  SPARK_NAME,
  SPARK_VERSIONS,
  type SparkVersion,
} from "./profile.ts";
import { createSocketChat } from "./socket-chat.ts";

/**
 * iFlytek Spark for one account. `account.extra` holds `appId` and `apiSecret`, which sign WebSocket connections and
 * embedding calls together with the key; `apiPassword`, the bearer of the HTTP interface; `protocol`, `http` or
 * `websocket`, where both are possible (WebSocket otherwise); `httpBaseUrl` and `embeddingBaseUrl`. Without app id
 * and secret there are no embeddings.
 */
export function createSparkProvider(account: ProviderAccount, transport: Transport): Provider {
  const { appId, apiSecret, embeddingBaseUrl } = account.extra ?? {};
  const { apiKey } = account;
  const signing = appId && apiSecret ? { appId, apiKey, apiSecret } : undefined;
  return {
    name: SPARK_NAME,
    chat: (model) => createChat(findVersion(model), account, transport),
    ...(signing && {
      embedding: (model) =>
        createEmbeddingModel(
          findService(model),
          { ...signing, ...(embeddingBaseUrl && { embeddingBaseUrl }) },
          transport,
        ),
    }),
    close: () => transport.close(),
  };
}

function createChat(version: SparkVersion, account: ProviderAccount, transport: Transport): ChatModel {
  const { apiKey, baseUrl, extra = {} } = account;
  const { appId, apiSecret, apiPassword, httpBaseUrl, protocol } = extra;
  if (protocol !== "http" && appId && apiSecret) {
    const { openSocket } = transport;
    if (!openSocket) throw invalidRequestError("this transport has no WebSocket; set SPARK_PROTOCOL=http");
    return createSocketChat(version, { appId, apiKey, apiSecret, baseUrl }, openSocket);
  }
  if (version.httpModel === undefined)
    throw invalidRequestError(
      `spark/${version.model} is not offered over HTTP: it needs SPARK_APP_ID and SPARK_API_SECRET`,
    );
  // Key and secret joined are taken for a password as well.
  const password = apiPassword || (apiSecret ? `${apiKey}:${apiSecret}` : apiKey);
  return createHttpChat(version, { baseUrl: httpBaseUrl || SPARK_HTTP_BASE_URL, password }, transport);
}

function findVersion(model: string): SparkVersion {
  const version = SPARK_VERSIONS.find((one) => one.model === model);
  if (version) return version;
  throw invalidRequestError(`Spark has no chat model of this name; known: ${names(SPARK_VERSIONS)}`);
}

function findService(model: string) {
  const service = SPARK_EMBEDDING_SERVICES.find((one) => one.model === model);
  if (service) return service;
  throw invalidRequestError(`Spark has no embedding model of this name; known: ${names(SPARK_EMBEDDING_SERVICES)}`);
}

function names(list: readonly { readonly model: string }[]): string {
  return list.map(({ model }) => model).join(", ");
}

function invalidRequestError(message: string): ProviderError {
  return new ProviderError(message, { kind: "invalid-request", provider: SPARK_NAME });
}
