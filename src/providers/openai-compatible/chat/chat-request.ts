import { omitUndefined } from "#src/core/omit-undefined.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { ChatMessage, ChatRequest, ToolCall } from "#src/providers/provider.ts";

/** How a vendor's request differs from the common form. */
export interface RequestDialect {
  readonly provider: string;
  /** The only name that the vendor accepts; `as-given` for vendors whose models differ. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens" | "as-given";
  /** Whether usage at the end of a stream must be requested. */
  readonly includeUsage: boolean;
  readonly supportsChoices?: true | undefined;
  /** The fields in which an assistant message returns its reasoning; by default it is left out. */
  readonly encodeReasoning?: (reasoning: string, message: ChatMessage) => Record<string, unknown>;
}

/**
 * The common request body, without absent fields. Fields of `extra` are added unchanged; named fields of the request take
 * precedence. Throws `invalid-request` for a request without messages, and for `n` other than 1 in a stream or if the vendor does
 * not support it.
 */
export function encodeChatBody(
  model: string,
  request: ChatRequest,
  stream: boolean,
  dialect: RequestDialect,
): Record<string, unknown> {
  const { extra = {} } = request;
  const { n = 1, stream_options: streamOptions, max_completion_tokens: newLimit, ...passed } = extra;
  const { provider } = dialect;
  const limitField = nameLimit(newLimit, dialect);
  if (request.messages.length === 0) throw invalidRequestError(provider, "a chat request needs at least 1 message");
  if (n !== 1 && (stream || !dialect.supportsChoices))
    throw invalidRequestError(provider, `n must be 1 for ${stream ? "a streamed answer" : "one call"}`);
  return omitUndefined({
    ...passed,
    model,
    messages: request.messages.map((message) => encodeMessage(message, dialect)),
    [limitField]: request.maxTokens ?? newLimit ?? passed[limitField],
    temperature: request.temperature ?? passed.temperature,
    top_p: request.topP ?? passed.top_p,
    stop: request.stop ?? passed.stop,
    seed: request.seed ?? passed.seed,
    user: request.user ?? passed.user,
    tools: request.tools ?? passed.tools,
    tool_choice: request.toolChoice ?? passed.tool_choice,
    response_format: request.responseFormat ?? passed.response_format,
    n: n === 1 ? undefined : n,
    stream,
    stream_options: stream ? encodeStreamOptions(streamOptions, dialect) : undefined,
  });
}

/** `extra.max_completion_tokens` says that the request used this name for its limit. */
function nameLimit(newLimit: unknown, { maxTokensField }: RequestDialect): string {
  if (maxTokensField !== "as-given") return maxTokensField;
  return newLimit === undefined ? "max_tokens" : "max_completion_tokens";
}

function encodeStreamOptions(given: unknown, dialect: RequestDialect): unknown {
  if (!dialect.includeUsage) return given;
  return typeof given === "object" ? { ...given, include_usage: true } : { include_usage: true };
}

function encodeMessage(message: ChatMessage, { encodeReasoning }: RequestDialect): Record<string, unknown> {
  const { role, content, name, toolCalls, toolCallId, reasoning, extra } = message;
  const fields = { role, content, name, tool_calls: toolCalls?.map(encodeToolCall), tool_call_id: toolCallId };
  const returned = reasoning === undefined ? undefined : encodeReasoning?.(reasoning, message);
  return omitUndefined({ ...fields, ...returned, ...extra });
}

function encodeToolCall({ id, name, arguments: text, extra }: ToolCall) {
  if (name === "") return { id, ...extra };
  return { ...extra, id, type: "function", function: { name, arguments: text } };
}
