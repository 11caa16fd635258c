import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitChat } from "#src/api/chat/await-chat.ts";
import { submitChat } from "#src/api/chat/start-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { fromModeration } from "#src/producer/openai-batch/lines/from-moderation.ts";
import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { writeModeration } from "#src/producer/openai-batch/requests/write-moderation.ts";

const moderationBody = z.looseObject({
  model: z.string().min(1).max(400).nullish(),
  input: z.union([z.string(), z.array(z.union([z.string(), z.looseObject({ type: z.string() })])).min(1)]),
});

/** OpenAI's moderations, by a provider that has them. */
export function moderationRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const schema = { tags: ["OpenAI"], summary: "Classify texts and images as harmful or not", body: moderationBody };
    server.post("/v1/moderations", { schema }, async ({ body, caller }, reply) => {
      const problems: string[] = [];
      const read = readChatRequest(fromModeration(body, problems));
      if (problems.length > 0) throw API_ERRORS.invalidValue("input", `${problems.join("; ")}.`);
      if ("problems" in read) throw API_ERRORS.invalidValue("input", `${read.problems.join("; ")}.`);
      const model = await context.models.find(read.model ?? "", "chat");
      if (!context.registry.findProvider(model.provider).offersModerations) {
        throw API_ERRORS.invalidValue("model", `The route ${FIELD_PROBLEMS.noModerations(model.provider)}.`);
      }
      const call = { caller, stream: false, idempotencyKey: undefined, route: "moderations" };
      const chat = await submitChat(context, call, model, { ...read.request, operation: "moderation" });
      reply.headers(chat.admission.headers);
      return writeModeration(await awaitChat(context, chat));
    });
  };
}
