import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { ChatModel, DescribeModel, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createSparkEmbeddingModel } from "./embedding-model.ts";
import { createHttpChat } from "./http-chat.ts";
import {
  findSparkVersion,
  SPARK_BASE_URL,
  SPARK_EMBEDDING_SERVICES,
  SPARK_FACTS,
  SPARK_HTTP_BASE_URL,
  SPARK_NAME,
  type SparkVersion,
} from "./profile.ts";
import { createSocketChat } from "./socket-chat.ts";

export const SPARK_ENTRY: ProviderEntry = {
  name: SPARK_NAME,
  defaultBaseUrl: SPARK_BASE_URL,
  ...SPARK_FACTS,
  create: createSparkProvider,
};

/**
 * The iFlytek Spark adapter for one account. `account.extra` contains `appId` and `apiSecret`, which together with the key
 * sign WebSocket connections and embedding calls; `apiPassword`, the bearer token of the HTTP interface; `protocol`, which is
 * `http` or `websocket` (the default where both are possible); `httpBaseUrl` and `embeddingBaseUrl`. Without app id and
 * secret there are no embeddings.
 */
function createSparkProvider(account: ProviderAccount, transport: Transport, describe: DescribeModel): Provider {
  const { appId, apiSecret, embeddingBaseUrl } = account.extra ?? {};
  const { apiKey } = account;
  const signing =
    appId && apiSecret ? { appId, apiKey, apiSecret, embeddingBaseUrl: embeddingBaseUrl || undefined } : undefined;
  return {
    name: SPARK_NAME,
    chat: (model) => {
      const { maxOutputTokens } = describe(model, "chat");
      return createChat({ ...findSparkVersion(model), maxOutputTokens }, account, transport);
    },
    embedding:
      signing &&
      ((model) => {
        const { maxTokens } = describe(model, "embedding");
        return createSparkEmbeddingModel(findEmbeddingService(model), signing, transport, maxTokens);
      }),
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
  return createHttpChat(
    version,
    { baseUrl: httpBaseUrl || (version.httpBaseUrl ?? SPARK_HTTP_BASE_URL), password },
    transport,
  );
}

function findEmbeddingService(model: string) {
  const service = SPARK_EMBEDDING_SERVICES.find((one) => one.model === model);
  if (service) return service;
  const known = SPARK_EMBEDDING_SERVICES.map((one) => one.model).join(", ");
  // A service has paths of its own, which its name does not tell.
  throw invalidRequestError(SPARK_NAME, `Spark has no embedding model of this name; known: ${known}`);
}
