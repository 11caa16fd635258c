import type { ChatMessage, ChatRequest, ToolCall } from "#src/providers/provider.ts";
import type { MinimaxChatModel } from "./chat-models.ts";
import { checkOnly } from "./check-body.ts";
import { invalidRequestError } from "./invalid-request-error.ts";
import { checkMessages, rejectParameters } from "./read-messages.ts";

/** The body of `chatcompletion_v2`: OpenAI's form with fewer parameters. */
export function encodeV2Request(
  model: MinimaxChatModel,
  request: ChatRequest,
  stream: boolean,
): Record<string, unknown> {
  rejectParameters(request, "chatcompletion_v2", ["stop", "seed"]);
  const { toolChoice, responseFormat } = request;
  if (toolChoice !== undefined && toolChoice !== "auto" && toolChoice !== "none")
    throw invalidRequestError('toolChoice must be "auto" or "none" for chatcompletion_v2');
  if (responseFormat !== undefined && (model.responseFormat !== true || !isJsonSchema(responseFormat)))
    throw invalidRequestError(
      'responseFormat must be of type "json_schema" for chatcompletion_v2, and only MiniMax-Text-01 takes it',
    );
  const body = { ...encodeShared(model.name, request, toFieldMessage), ...request.extra, stream };
  checkOnly(body, "n", 1);
  return body;
}

/** The body of the OpenAI-compatible endpoint; reasoning goes back in the content, where it came from. */
export function encodeOpenaiRequest(
  model: MinimaxChatModel,
  request: ChatRequest,
  stream: boolean,
): Record<string, unknown> {
  const { stop, seed, user, extra } = request;
  const split = extra?.reasoning_split === true;
  const body = {
    ...encodeShared(model.name, request, split ? toDetailsMessage : toTaggedMessage),
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...(seed !== undefined && { seed }),
    ...(user !== undefined && { user }),
    ...(stream && { stream_options: { include_usage: true } }),
    ...extra,
    stream,
  };
  checkOnly(body, "n", 1);
  return body;
}

function encodeShared(
  model: string,
  request: ChatRequest,
  toMessage: (message: ChatMessage) => Record<string, unknown>,
): Record<string, unknown> {
  const { messages, maxTokens, temperature, topP, tools, toolChoice, responseFormat } = request;
  checkMessages(messages);
  return {
    model,
    messages: messages.map(toMessage),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(tools !== undefined && tools.length > 0 && { tools }),
    ...(toolChoice !== undefined && { tool_choice: toolChoice }),
    ...(responseFormat !== undefined && { response_format: responseFormat }),
  };
}

function toBareMessage({ role, content, name, toolCalls, toolCallId }: ChatMessage): Record<string, unknown> {
  return {
    role,
    content: content ?? "",
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && toolCalls.length > 0 && { tool_calls: toolCalls.map(toWireCall) }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  };
}

function toFieldMessage(message: ChatMessage): Record<string, unknown> {
  const { reasoning } = message;
  return { ...toBareMessage(message), ...(reasoning && { reasoning_content: reasoning }) };
}

function toDetailsMessage(message: ChatMessage): Record<string, unknown> {
  const { reasoning } = message;
  const details = { reasoning_details: [{ type: "reasoning.text", text: reasoning }] };
  return { ...toBareMessage(message), ...(reasoning && details) };
}

function toTaggedMessage(message: ChatMessage): Record<string, unknown> {
  const { reasoning, content } = message;
  const bare = toBareMessage(message);
  if (!reasoning || Array.isArray(content)) return bare;
  return { ...bare, content: `<think>\n${reasoning}\n</think>\n\n${content ?? ""}` };
}

function toWireCall({ id, name, arguments: text }: ToolCall): Record<string, unknown> {
  return { id, type: "function", function: { name, arguments: text } };
}

function isJsonSchema(format: unknown): boolean {
  return typeof format === "object" && format !== null && "type" in format && format.type === "json_schema";
}
