import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { ChatModel, ModelData, ProviderAccount } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createMinimaxChatDialect, dialectPath } from "./chat-dialect.ts";
import { describeChatModel } from "./chat-models.ts";
import { chooseDialect } from "./choose-dialect.ts";

/**
 * A chat model in the dialect of the account (`extra.dialect`), or else of the model. `extra.groupId` is sent where the
 * protocol supports it. Throws `invalid-request` for an unknown dialect.
 */
export function createMinimaxChatModel(data: ModelData, account: ProviderAccount, transport: Transport): ChatModel {
  const model = describeChatModel(data.name, data.maxOutputTokens);
  const dialect = chooseDialect(model, account.extra?.dialect);
  const url = new URL(`${account.baseUrl.replace(/\/+$/, "")}/${dialectPath(dialect)}`);
  const groupId = account.extra?.groupId;
  if (groupId && dialect !== "openai") url.searchParams.set("GroupId", groupId);
  const headers = { authorization: `Bearer ${account.apiKey}` };
  return createHttpChatModel({
    provider: MINIMAX_NAME,
    transport,
    url,
    headers: () => headers,
    codec: createChatCodec(createMinimaxChatDialect(model, dialect)),
    // The oldest protocol ends events with one line feed, or with two on request; line framing reads both.
    framing: dialect === "chatcompletion" ? "line" : "blank-line",
  });
}
