import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { DescribeModel, EmbeddingModel, ModelData, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createMinimaxChatModel } from "./chat/minimax-chat-model.ts";
import { decodeMinimaxEmbedding, encodeMinimaxEmbedding } from "./embedding-codec.ts";
import { MINIMAX_BASE_URL, MINIMAX_FACTS, MINIMAX_NAME } from "./profile.ts";

export const MINIMAX_ENTRY: ProviderEntry = {
  name: MINIMAX_NAME,
  defaultBaseUrl: MINIMAX_BASE_URL,
  ...MINIMAX_FACTS,
  create: createMinimaxProvider,
};

/**
 * The MiniMax adapter for one account: chat in the dialect of each model, and embeddings. `account.extra.groupId` is sent
 * when it is set: old keys need it, `sk-` keys contain their group. `account.extra.dialect` selects the chat protocol.
 * `close` closes the transport, which accounts may share.
 */
function createMinimaxProvider(account: ProviderAccount, transport: Transport, describe: DescribeModel): Provider {
  return {
    name: MINIMAX_NAME,
    chat: (model) => createMinimaxChatModel(describe(model, "chat"), account, transport),
    embedding: (model) => createEmbeddingModel(describe(model, "embedding"), account, transport),
    close: () => transport.close(),
  };
}

function createEmbeddingModel(data: ModelData, account: ProviderAccount, transport: Transport): EmbeddingModel {
  const url = createEmbeddingUrl(account);
  const headers = { authorization: `Bearer ${account.apiKey}`, "content-type": "application/json" };
  const { name, maxInputs = 1, maxTokens, dimensions } = data;
  return {
    maxInputs,
    maxTokens,
    async embed(request, call) {
      const count = request.inputs.length;
      if (count === 0 || count > maxInputs) {
        const message = `an embedding call takes 1 to ${maxInputs} inputs, not ${count}`;
        throw invalidRequestError(MINIMAX_NAME, message, count > maxInputs);
      }
      const body = encodeMinimaxEmbedding(name, request);
      const response = await transport.post({ provider: MINIMAX_NAME, url, headers, body }, call);
      return decodeMinimaxEmbedding(response, { count, dimensions }, Date.now());
    },
  };
}

function createEmbeddingUrl(account: ProviderAccount): URL {
  const url = new URL(`${account.baseUrl.replace(/\/+$/, "")}/embeddings`);
  const groupId = account.extra?.groupId;
  if (groupId) url.searchParams.set("GroupId", groupId);
  return url;
}
