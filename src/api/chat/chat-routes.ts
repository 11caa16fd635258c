import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { awaitChat } from "./await-chat.ts";
import { startChat } from "./start-chat.ts";
import { streamChat } from "./stream-chat.ts";

/** Fields that OpenAI may add are passed on to the provider. */
export const chatBody = z.looseObject({
  model: z.string().min(1).max(400).describe('"provider/model", or the name of a model that only one provider has'),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  stream: z.boolean().nullish().describe("Send the answer as server-sent events while it is generated"),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(128).nullish(),
});

/** FastChat's server has the same route below /api. */
const PATHS = ["/v1/chat/completions", "/api/v1/chat/completions"];

/** OpenAI's chat completions, answered by any provider. */
export function chatRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    for (const path of PATHS) {
      server.post(
        path,
        {
          schema: {
            tags: ["OpenAI"],
            summary: "Answer a conversation",
            body: chatBody,
            headers: idempotencyHeaders,
          },
        },
        async (request, reply) => {
          const { stream, stream_options: streamOptions, ...body } = request.body;
          const chat = await startChat(context, {
            caller: request.caller,
            body,
            stream: stream === true && (body.n ?? 1) === 1,
            idempotencyKey: request.headers["idempotency-key"],
            route: "chat",
          });
          reply.headers({ ...chat.admission.headers, "x-sluice-item": chat.id });
          const created = Math.floor(chat.startedAt / 1000);
          const metadata = { id: `chatcmpl-${chat.id}`, created, model: chat.model.fullName };
          if (stream !== true) return writeChatCompletion(await awaitChat(context, chat), metadata);
          const hasChoices = (body.n ?? 1) > 1;
          const includeUsage = streamOptions?.include_usage === true;
          const bodyLimit = request.routeOptions.bodyLimit;
          await streamChat(context, chat, reply, { metadata, includeUsage, hasChoices, bodyLimit });
          return reply;
        },
      );
    }
  };
}
