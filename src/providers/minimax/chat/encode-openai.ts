import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { encodeChatBody, type RequestDialect } from "#src/providers/openai-compatible/chat/chat-request.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import type { MinimaxChatModel } from "./chat-models.ts";
import { checkMessages, rejectParameters } from "./read-messages.ts";

type EncodeReasoning = NonNullable<RequestDialect["encodeReasoning"]>;

/** The body of `chatcompletion_v2`: the common form with fewer parameters. */
export function encodeV2Request(
  model: MinimaxChatModel,
  request: ChatRequest,
  stream: boolean,
): Record<string, unknown> {
  rejectParameters(request, "chatcompletion_v2", ["stop", "seed"]);
  const { toolChoice, responseFormat } = request;
  if (toolChoice !== undefined && toolChoice !== "auto" && toolChoice !== "none")
    throw invalidRequestError(MINIMAX_NAME, 'tool_choice must be "auto" or "none" for chatcompletion_v2');
  if (responseFormat !== undefined && (model.responseFormat !== true || !isJsonSchema(responseFormat)))
    throw invalidRequestError(
      MINIMAX_NAME,
      'response_format must be of type "json_schema" for chatcompletion_v2, and only MiniMax-Text-01 supports it',
    );
  const body = { ...request, user: undefined };
  return encodeBody(model, body, stream, { includeUsage: false, encodeReasoning: toReasoningField });
}

/** The body of the OpenAI-compatible endpoint. Reasoning is returned in the form in which the model sent it. */
export function encodeOpenaiRequest(
  model: MinimaxChatModel,
  request: ChatRequest,
  stream: boolean,
): Record<string, unknown> {
  const isSplit = request.extra?.reasoning_split === true;
  return encodeBody(model, request, stream, {
    includeUsage: true,
    encodeReasoning: isSplit ? toReasoningDetails : toThinkTags,
  });
}

function encodeBody(
  model: MinimaxChatModel,
  request: ChatRequest,
  stream: boolean,
  options: Pick<RequestDialect, "includeUsage" | "encodeReasoning">,
): Record<string, unknown> {
  checkMessages(request.messages);
  const messages = request.messages.map((message) => ({
    ...message,
    content: message.content ?? "",
    toolCalls: omitEmpty(message.toolCalls),
  }));
  const body = { ...request, messages, stop: omitEmpty(request.stop), tools: omitEmpty(request.tools) };
  return encodeChatBody(model.name, body, stream, {
    provider: MINIMAX_NAME,
    maxTokensField: "max_tokens",
    ...options,
  });
}

/** MiniMax rejects empty lists. */
function omitEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}

const toReasoningField: EncodeReasoning = (reasoning) => (reasoning === "" ? {} : { reasoning_content: reasoning });

const toReasoningDetails: EncodeReasoning = (reasoning) =>
  reasoning === "" ? {} : { reasoning_details: [{ type: "reasoning.text", text: reasoning }] };

const toThinkTags: EncodeReasoning = (reasoning, { content }) =>
  reasoning === "" || Array.isArray(content) ? {} : { content: `<think>\n${reasoning}\n</think>\n\n${content}` };

function isJsonSchema(format: unknown): boolean {
  return typeof format === "object" && format !== null && "type" in format && format.type === "json_schema";
}
