import { omitUndefined } from "#src/core/omit-undefined.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { type JsonObject, parseObject, readText } from "#src/providers/json-value.ts";
import type { Call, ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { type ChatDialect, findRequestId, reportsError } from "./chat/chat-dialect.ts";

type ModerationDialect = Pick<ChatDialect, "provider" | "classifyBody" | "classifyResponse">;

/** The chat model, which also answers requests with the operation "moderation". `post` makes one call with the given JSON body. */
export function addModerations(
  chat: ChatModel,
  model: string,
  dialect: ModerationDialect,
  post: (body: string, call: Call) => Promise<HttpResponse>,
): ChatModel {
  return {
    ...chat,
    operations: ["moderation"],
    check: (request) => (isModeration(request) ? { rejected: [], adjusted: [] } : chat.check?.(request)) ?? NO_CHECK,
    generate: async (request, call) => {
      if (!isModeration(request)) return await chat.generate(request, call);
      const body = { ...request.extra, model, input: toInput(request) };
      return decodeModeration(await post(JSON.stringify(body), call), request.messages.length, Date.now(), dialect);
    },
    stream: (request, call) => {
      if (isModeration(request)) throw invalidRequestError(dialect.provider, "a moderation cannot be streamed");
      return chat.stream(request, call);
    },
  };
}

const NO_CHECK = { rejected: [], adjusted: [] };

function isModeration({ operation }: ChatRequest): boolean {
  return operation === "moderation";
}

/** The texts of the messages, or the parts of the only message. */
function toInput({ messages }: ChatRequest): unknown {
  const contents = messages.map(({ content }) => content);
  return contents.length === 1 ? contents[0] : contents;
}

/** An answer needs one result for each of `count` inputs. The complete body is in `extra`. */
function decodeModeration(
  response: HttpResponse,
  count: number,
  now: number,
  dialect: ModerationDialect,
): ChatResponse {
  const body: JsonObject | undefined =
    response.status === 200 ? parseObject(response.body.toString("utf8")) : undefined;
  if (body && reportsError(body)) throw dialect.classifyBody(body, response, now);
  const results = body?.results;
  if (!body || !Array.isArray(results) || results.length !== count) throw dialect.classifyResponse(response, now);
  return omitUndefined({
    text: "",
    finishReason: { unified: "stop" as const },
    usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
    model: readText(body, "model"),
    requestId: findRequestId(response.headers),
    extra: body,
  });
}
