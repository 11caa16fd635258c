import { omitUndefined } from "#src/core/omit-undefined.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { ChatMessage, ChatRequest, ToolCall } from "#src/providers/provider.ts";

/** How a vendor's request differs from the common form. */
export interface RequestDialect {
  readonly provider: string;
  /** Newer OpenAI models reject `max_tokens`; most other vendors know only that. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Whether usage at the end of a stream must be requested. */
  readonly includeUsage: boolean;
  /** The fields in which an assistant message returns its reasoning; by default it is left out. */
  readonly encodeReasoning?: (reasoning: string, message: ChatMessage) => Record<string, unknown>;
}

/**
 * The common request body, without absent fields. Fields of `extra` are added unchanged; named fields of the request take
 * precedence. Throws `invalid-request` for a request without messages and for `n` other than 1.
 */
export function encodeChatBody(
  model: string,
  request: ChatRequest,
  stream: boolean,
  dialect: RequestDialect,
): Record<string, unknown> {
  const { extra = {} } = request;
  const { n = 1, stream_options: streamOptions, ...passed } = extra;
  const { provider } = dialect;
  if (request.messages.length === 0) throw invalidRequestError(provider, "a chat request needs at least 1 message");
  if (n !== 1) throw invalidRequestError(provider, "n must be 1: every item has one answer");
  return omitUndefined({
    ...passed,
    model,
    messages: request.messages.map((message) => encodeMessage(message, dialect)),
    [dialect.maxTokensField]: request.maxTokens ?? passed[dialect.maxTokensField],
    temperature: request.temperature ?? passed.temperature,
    top_p: request.topP ?? passed.top_p,
    stop: request.stop ?? passed.stop,
    seed: request.seed ?? passed.seed,
    user: request.user ?? passed.user,
    tools: request.tools ?? passed.tools,
    tool_choice: request.toolChoice ?? passed.tool_choice,
    response_format: request.responseFormat ?? passed.response_format,
    stream,
    stream_options: stream ? encodeStreamOptions(streamOptions, dialect) : undefined,
  });
}

function encodeStreamOptions(given: unknown, dialect: RequestDialect): unknown {
  if (!dialect.includeUsage) return given;
  return typeof given === "object" ? { ...given, include_usage: true } : { include_usage: true };
}

function encodeMessage(message: ChatMessage, { encodeReasoning }: RequestDialect): Record<string, unknown> {
  const { role, content, name, toolCalls, toolCallId, reasoning } = message;
  const fields = { role, content, name, tool_calls: toolCalls?.map(encodeToolCall), tool_call_id: toolCallId };
  return omitUndefined(reasoning === undefined ? fields : { ...fields, ...encodeReasoning?.(reasoning, message) });
}

function encodeToolCall({ id, name, arguments: text }: ToolCall) {
  return { id, type: "function", function: { name, arguments: text } };
}
