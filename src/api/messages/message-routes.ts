import type { ApiContext } from "#src/api/api-context.ts";
import { awaitChat } from "#src/api/chat/await-chat.ts";
import { startChat } from "#src/api/chat/start-chat.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { countBody, messageBody } from "./message-body.ts";
import { streamMessage } from "./stream-message.ts";
import { toChatBody } from "./to-chat-body.ts";
import { writeAnthropicMessage } from "./write-anthropic-message.ts";

/** Anthropic's Messages API, answered by any provider. */
export function messageRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const tags = ["Anthropic"];
    server.post(
      "/v1/messages",
      { schema: { tags, summary: "Answer a conversation", body: messageBody, headers: idempotencyHeaders } },
      async (request, reply) => {
        const { body, caller, headers } = request;
        const { provider } = await context.models.find(body.model, "chat");
        const chat = await startChat(context, {
          caller,
          body: toChatBody(body, provider === "anthropic"),
          stream: body.stream === true,
          idempotencyKey: headers["idempotency-key"],
          route: "messages",
        });
        reply.headers({ ...chat.admission.headers, "x-sluice-item": chat.id });
        if (body.stream !== true) {
          return writeAnthropicMessage(await awaitChat(context, chat), {
            id: `msg_${chat.id}`,
            model: chat.model.fullName,
          });
        }
        await streamMessage(context, chat, reply);
        return reply;
      },
    );
    server.post(
      "/v1/messages/count_tokens",
      { schema: { tags, summary: "Estimate the tokens of a request", body: countBody } },
      async ({ body }, reply) => {
        await context.models.find(body.model, "chat");
        reply.header("x-sluice-token-count", "estimate");
        const { messages, system, tools } = body;
        return { input_tokens: estimateTokens(JSON.stringify({ messages, system, tools })) };
      },
    );
  };
}
