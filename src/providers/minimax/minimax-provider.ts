import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { EmbeddingModel, ModelData, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createMinimaxChatModel } from "./chat/minimax-chat-model.ts";
import { decodeMinimaxEmbedding, encodeMinimaxEmbedding } from "./embedding-codec.ts";
import { MINIMAX_MODELS, MINIMAX_NAME } from "./profile.ts";

const DEFAULT_MAX_INPUTS = 10;

/**
 * The MiniMax adapter for one account: chat in the dialect of each model, and embeddings. `account.extra.groupId` is sent
 * when it is set: old keys need it, `sk-` keys contain their group. `account.extra.dialect` selects the chat protocol.
 * `close` closes the transport, which accounts may share.
 */
export function createMinimaxProvider(account: ProviderAccount, transport: Transport): Provider {
  return {
    name: MINIMAX_NAME,
    chat: (model) => createMinimaxChatModel(model, account, transport),
    embedding: (model) => createEmbeddingModel(model, account, transport),
    close: () => transport.close(),
  };
}

function createEmbeddingModel(model: string, account: ProviderAccount, transport: Transport): EmbeddingModel {
  const data: ModelData | undefined = MINIMAX_MODELS.find((candidate) => candidate.name === model);
  const url = createEmbeddingUrl(account);
  const headers = { authorization: `Bearer ${account.apiKey}`, "content-type": "application/json" };
  const maxInputs = data?.maxInputs ?? DEFAULT_MAX_INPUTS;
  return {
    maxInputs,
    maxTokens: data?.maxTokens,
    async embed(request, call) {
      const count = request.inputs.length;
      if (count === 0 || count > maxInputs) {
        const message = `an embedding call takes 1 to ${maxInputs} inputs, not ${count}`;
        throw invalidRequestError(MINIMAX_NAME, message, count > maxInputs);
      }
      const body = encodeMinimaxEmbedding(model, request);
      const response = await transport.post({ provider: MINIMAX_NAME, url, headers, body }, call);
      return decodeMinimaxEmbedding(response, { count, dimensions: data?.dimensions }, Date.now());
    },
  };
}

function createEmbeddingUrl(account: ProviderAccount): URL {
  const url = new URL(`${account.baseUrl.replace(/\/+$/, "")}/embeddings`);
  const groupId = account.extra?.groupId;
  if (groupId) url.searchParams.set("GroupId", groupId);
  return url;
}
