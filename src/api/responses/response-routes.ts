import * as z from "zod";
import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitChat } from "#src/api/chat/await-chat.ts";
import { openChatEvents } from "#src/api/chat/open-chat-events.ts";
import { type StartedChat, startChat } from "#src/api/chat/start-chat.ts";
import { API_ERRORS, ApiError } from "#src/api/http/api-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { fromResponsesBody } from "#src/producer/openai-batch/lines/from-responses.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import { readConversation, withoutReasoning } from "./conversation.ts";
import { pickEchoed, type ResponseBody, responseBody, type StoredResponse, toInputItems } from "./response-body.ts";
import { RESPONSE_ID_PREFIX, type ResponseOutcome, writeResponse } from "./response-object.ts";
import { ResponseStore } from "./response-store.ts";
import { streamResponse } from "./stream-response.ts";

const idParams = z.object({ id: z.string().max(100) });
const readQuery = z.looseObject({
  stream: z.enum(["true", "false"]).optional(),
  starting_after: z.coerce.number().int().min(0).optional(),
});
const itemsQuery = z.looseObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().max(200).optional(),
});

/** OpenAI's Responses API, answered by any provider. */
export function responseRoutes(context: ApiContext): ApiPlugin {
  const store = new ResponseStore(context);
  const describe = async (id: string, stored: StoredResponse) => {
    const item = id.slice(RESPONSE_ID_PREFIX.length);
    return writeResponse(item, stored, await store.readOutcome(item));
  };
  return async (server) => {
    const tags = ["Responses"];
    server.post(
      "/v1/responses",
      { schema: { tags, summary: "Create a response", body: responseBody, headers: idempotencyHeaders } },
      async ({ caller, body, headers }, reply) => {
        const chat = await start(context, store, caller, body, headers["idempotency-key"]);
        reply.headers({ ...chat.admission.headers, "x-sluice-item": chat.id });
        const stored = describeRequest(chat, body);
        if (body.store !== false) await store.create(caller.tenant, chat.id, stored);
        if (body.stream === true) {
          const readOutcome = () => answer(context, chat);
          const events = openChatEvents(context, chat);
          await streamResponse(context, reply, { item: chat.id, stored, events, readOutcome });
          return reply;
        }
        if (body.background === true) {
          chat.admission.leave();
          return writeResponse(chat.id, stored, { status: "queued" });
        }
        return writeResponse(chat.id, stored, { status: "answered", answer: await awaitChat(context, chat) });
      },
    );
    server.get(
      "/v1/responses/:id",
      {
        schema: {
          tags,
          summary: "Read a response, or its events from any of them on",
          params: idParams,
          querystring: readQuery,
        },
      },
      async ({ caller, params: { id }, query }, reply) => {
        const stored = await store.require(caller.tenant, id);
        if (query.stream !== "true") return await describe(id, stored);
        const item = id.slice(RESPONSE_ID_PREFIX.length);
        const events = context.sluice.stream(item, { signal: context.stopping, onNoWorker: () => undefined });
        const readOutcome = () => store.readOutcome(item);
        await streamResponse(context, reply, { item, stored, events, readOutcome, after: query.starting_after });
        return reply;
      },
    );
    server.delete(
      "/v1/responses/:id",
      { schema: { tags, summary: "Delete a response", params: idParams } },
      async ({ caller, params: { id } }) => {
        await store.require(caller.tenant, id);
        await store.delete(caller.tenant, id);
        return { id, object: "response", deleted: true };
      },
    );
    server.post(
      "/v1/responses/:id/cancel",
      { schema: { tags, summary: "Cancel a response in the background", params: idParams } },
      async ({ caller, params: { id } }) => {
        const stored = await store.require(caller.tenant, id);
        if (!stored.isBackground) {
          throw API_ERRORS.invalidValue("id", "Only responses with background: true can be cancelled.");
        }
        await context.sluice.cancel(id.slice(RESPONSE_ID_PREFIX.length));
        return await describe(id, stored);
      },
    );
    server.get(
      "/v1/responses/:id/input_items",
      { schema: { tags, summary: "List the input of a response", params: idParams, querystring: itemsQuery } },
      async ({ caller, params: { id }, query }) => pageItems((await store.require(caller.tenant, id)).input, query),
    );
  };
}

/** Queues the whole conversation as a chat item. */
async function start(
  context: ApiContext,
  store: ResponseStore,
  caller: Caller,
  body: ResponseBody,
  idempotencyKey: string | undefined,
): Promise<StartedChat> {
  if (body.background === true && body.store === false) {
    throw API_ERRORS.invalidValue("background", "A response in the background must be stored: leave out store: false.");
  }
  const { stream: _, background: __, store: ___, previous_response_id: previous, metadata: ____, ...request } = body;
  const earlier = await readConversation(store, caller.tenant, previous);
  const input = [...earlier, ...(typeof body.input === "string" ? [userMessage(body.input)] : body.input)];
  const problems: string[] = [];
  const chat = fromResponsesBody({ ...request, input: withoutReasoning(input) }, problems);
  const [first] = problems;
  if (first !== undefined) {
    throw API_ERRORS.invalidValue(/^"([^"]{1,200})"/.exec(first)?.[1], `${problems.join("; ")}.`);
  }
  return await startChat(context, { caller, body: chat, stream: true, idempotencyKey, route: "responses" });
}

function describeRequest({ id, model, startedAt }: StartedChat, body: ResponseBody): StoredResponse {
  return {
    model: model.fullName,
    createdAt: startedAt,
    isBackground: body.background === true,
    previous: body.previous_response_id ?? undefined,
    input: toInputItems(body.input, id),
    echo: pickEchoed(body),
  };
}

async function answer(context: ApiContext, chat: StartedChat): Promise<ResponseOutcome> {
  try {
    return { status: "answered", answer: await awaitChat(context, chat) };
  } catch (error) {
    if (error instanceof ApiError) return { status: "failed", error };
    throw error;
  }
}

function userMessage(text: string): JsonObject {
  return { type: "message", role: "user", content: text };
}

function pageItems(
  input: readonly JsonObject[],
  { limit, order, after }: Pick<z.infer<typeof itemsQuery>, "limit" | "order" | "after">,
) {
  const items = order === "desc" ? input.toReversed() : input;
  const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  const data = items.slice(start, start + limit);
  const hasMore = start + limit < items.length;
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
