import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { ChatModel, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createSparkEmbeddingModel } from "./embedding-model.ts";
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
 * The iFlytek Spark adapter for one account. `account.extra` contains `appId` and `apiSecret`, which together with the key
 * sign WebSocket connections and embedding calls; `apiPassword`, the bearer token of the HTTP interface; `protocol`, which is
 * `http` or `websocket` (the default where both are possible); `httpBaseUrl` and `embeddingBaseUrl`. Without app id and
 * secret there are no embeddings.
 */
export function createSparkProvider(account: ProviderAccount, transport: Transport): Provider {
  const { appId, apiSecret, embeddingBaseUrl } = account.extra ?? {};
  const { apiKey } = account;
  const signing =
    appId && apiSecret ? { appId, apiKey, apiSecret, embeddingBaseUrl: embeddingBaseUrl || undefined } : undefined;
  return {
    name: SPARK_NAME,
    chat: (model) => createChat(findVersion(model), account, transport),
    embedding: signing && ((model) => createSparkEmbeddingModel(findEmbeddingService(model), signing, transport)),
    close: () => transport.close(),
  };
}

function createChat(version: SparkVersion, account: ProviderAccount, transport: Transport): ChatModel {
  const { apiKey, baseUrl, extra = {} } = account;
  const { appId, apiSecret, apiPassword, httpBaseUrl, protocol } = extra;
  if (protocol !== "http" && appId && apiSecret) {
    const { openSocket } = transport;
    if (!openSocket)
      throw invalidRequestError(SPARK_NAME, "this transport does not support WebSocket; set SPARK_PROTOCOL=http");
    return createSocketChat(version, { appId, apiKey, apiSecret, baseUrl }, openSocket);
  }
  if (version.httpModel === undefined)
    throw invalidRequestError(
      SPARK_NAME,
      `spark/${version.model} is not available over HTTP: set SPARK_APP_ID and SPARK_API_SECRET`,
    );
  // Spark also accepts key and secret joined by a colon as the password.
  const password = apiPassword || (apiSecret ? `${apiKey}:${apiSecret}` : apiKey);
  return createHttpChat(version, { baseUrl: httpBaseUrl || SPARK_HTTP_BASE_URL, password }, transport);
}

function findVersion(model: string): SparkVersion {
  const version = SPARK_VERSIONS.find((one) => one.model === model);
  if (version) return version;
  throw invalidRequestError(SPARK_NAME, `Spark has no chat model of this name; known: ${joinNames(SPARK_VERSIONS)}`);
}

function findEmbeddingService(model: string) {
  const service = SPARK_EMBEDDING_SERVICES.find((one) => one.model === model);
  if (service) return service;
  throw invalidRequestError(
    SPARK_NAME,
    `Spark has no embedding model of this name; known: ${joinNames(SPARK_EMBEDDING_SERVICES)}`,
  );
}

function joinNames(list: readonly { readonly model: string }[]): string {
  return list.map(({ model }) => model).join(", ");
}
