import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitChat } from "#src/api/chat/await-chat.ts";
import type { ChatChunk } from "#src/api/chat/chat-chunks.ts";
import { startChat } from "#src/api/chat/start-chat.ts";
import { streamChat } from "#src/api/chat/stream-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { fromCompletion } from "#src/producer/openai-batch/lines/from-completion.ts";
import { writeTextCompletion } from "#src/producer/openai-batch/requests/write-text-completion.ts";

const completionBody = z.looseObject({
  model: z.string().min(1).max(400),
  prompt: z.union([z.string(), z.array(z.string()).length(1)]).describe("One text"),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(128).nullish(),
});

/** OpenAI's text completions: the prompt is a message of the user. */
export function completionRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const schema = { tags: ["OpenAI"], summary: "Complete a text", body: completionBody, headers: idempotencyHeaders };
    server.post("/v1/completions", { schema }, async (request, reply) => {
      const { stream, stream_options: streamOptions, ...body } = request.body;
      const problems: string[] = [];
      const translated = fromCompletion(body, problems);
      if (problems.length > 0) throw API_ERRORS.invalidValue(undefined, `${problems.join("; ")}.`);
      const hasChoices = (body.n ?? 1) > 1;
      const chat = await startChat(context, {
        caller: request.caller,
        body: translated,
        stream: stream === true && !hasChoices,
        idempotencyKey: request.headers["idempotency-key"],
        route: "completions",
      });
      reply.headers({ ...chat.admission.headers, "x-sluice-item": chat.id });
      const created = Math.floor(chat.startedAt / 1000);
      const metadata = { id: `chatcmpl-${chat.id}`, created, model: chat.model.fullName };
      if (stream !== true) return writeTextCompletion(await awaitChat(context, chat), metadata);
      await streamChat(context, chat, reply, {
        metadata: { ...metadata, id: `cmpl-${chat.id}` },
        includeUsage: streamOptions?.include_usage === true,
        hasChoices,
        bodyLimit: request.routeOptions.bodyLimit,
        rewrite: toTextChunk,
      });
      return reply;
    });
  };
}

/** A chunk of a text completion; undefined for one that only says who speaks. */
function toTextChunk({ choices, ...chunk }: ChatChunk): object | undefined {
  const isEmpty = choices.some(({ delta, finish_reason }) => delta.content === "" && finish_reason === null);
  if (isEmpty) return undefined;
  return {
    ...chunk,
    object: "text_completion",
    choices: choices.map(({ delta, ...choice }) => ({ ...choice, text: delta.content ?? "" })),
  };
}
