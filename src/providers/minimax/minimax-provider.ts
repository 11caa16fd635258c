import { ProviderError } from "#src/core/errors.ts";
import type { EmbeddingModel, ModelData, Provider, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createMinimaxChatModel } from "./chat/minimax-chat-model.ts";
import { decodeEmbeddingResponse, encodeEmbeddingRequest } from "./embedding-codec.ts";
import { MINIMAX_MODELS, MINIMAX_NAME } from "./profile.ts";

/**
 * MiniMax for one account: chat in the dialect of each model, and embeddings. `account.extra.groupId` is sent when it
 * is there: keys of the old kind need it, `sk-` keys carry their group. `account.extra.dialect` chooses among the chat
 * protocols. `close` closes the transport, so accounts that share one close together.
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
  const url = embeddingUrl(account);
  const headers = { authorization: `Bearer ${account.apiKey}`, "content-type": "application/json" };
  const maxInputs = data?.maxInputs ?? 10;
  return {
    maxInputs,
    ...(data?.maxTokens !== undefined && { maxTokens: data.maxTokens }),
    async embed(request, call) {
      const count = request.inputs.length;
      if (count === 0 || count > maxInputs)
        throw new ProviderError(`an embedding call takes 1 to ${maxInputs} inputs, not ${count}`, {
          kind: "invalid-request",
          provider: MINIMAX_NAME,
          isSplittable: count > maxInputs,
        });
      const body = encodeEmbeddingRequest(model, request);
      const response = await transport.post({ provider: MINIMAX_NAME, url, headers, body }, call);
      const expected = {
        count,
        ...(data?.dimensions !== undefined && { dimensions: data.dimensions }),
      };
      return decodeEmbeddingResponse(response, expected, Date.now());
    },
  };
}

function embeddingUrl(account: ProviderAccount): URL {
  const url = new URL(`${account.baseUrl.replace(/\/+$/, "")}/embeddings`);
  const groupId = account.extra?.groupId;
  if (groupId) url.searchParams.set("GroupId", groupId);
  return url;
}
