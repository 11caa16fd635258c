import { writeAnthropicMessage } from "#src/api/messages/write-anthropic-message.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject, parseObject, readCount, readField, readText } from "#src/providers/json-value.ts";
import type { ChatResponse, FinishReason, ToolCall } from "#src/providers/provider.ts";

const FINISH_REASONS: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  content_filter: "content-filter",
};
const UNANSWERED: Readonly<Record<string, string>> = { batch_cancelled: "canceled", batch_expired: "expired" };

/** A line of a batch's output or errors as a line of Anthropic's results. */
export function toMessageResult(text: string): string {
  const line = parseObject(text) ?? {};
  return `${JSON.stringify({ custom_id: line.custom_id, result: toResult(line) })}\n`;
}

function toResult({ response, error }: JsonObject): JsonObject {
  const body = readField(response, "body");
  const problem = error ?? readField(body, "error");
  if (isObject(body) && !problem) return { type: "succeeded", message: toMessage(body) };
  const code = readText(problem, "code") ?? "";
  const unanswered = Object.hasOwn(UNANSWERED, code) ? UNANSWERED[code] : undefined;
  if (unanswered !== undefined) return { type: unanswered };
  const type = response ? "invalid_request_error" : "api_error";
  return { type: "errored", error: { type: "error", error: { type, message: readText(problem, "message") ?? "" } } };
}

/** The message of a chat completion. */
function toMessage(body: JsonObject): JsonObject {
  const [choice] = Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
  const message = readField(choice, "message");
  const { content, tool_calls: calls, reasoning_details: details } = isObject(message) ? message : {};
  const raw = readText(choice, "finish_reason") ?? "stop";
  const response: ChatResponse = omitUndefined({
    text: typeof content === "string" ? content : "",
    reasoning: readText(message, "reasoning_content"),
    refusal: readText(message, "refusal"),
    toolCalls: Array.isArray(calls) ? calls.filter(isObject).map(toToolCall) : undefined,
    finishReason: { unified: FINISH_REASONS[raw] ?? "other", raw },
    usage: readUsage(body.usage),
    model: readText(body, "model"),
    extra: {
      message: omitUndefined({ reasoning_details: details, content: Array.isArray(content) ? content : undefined }),
    },
  });
  const id = (readText(body, "id") ?? "").replace(/^chatcmpl-/, "msg_");
  return writeAnthropicMessage(response, { id, model: response.model ?? "" });
}

function toToolCall(call: JsonObject): ToolCall {
  const fn = readField(call, "function");
  return {
    id: readText(call, "id") ?? "",
    name: readText(fn, "name") ?? "",
    arguments: readText(fn, "arguments") ?? "",
  };
}

function readUsage(usage: unknown): ChatResponse["usage"] {
  return omitUndefined({
    inputTokens: readCount(usage, "prompt_tokens"),
    outputTokens: readCount(usage, "completion_tokens"),
    cachedTokens: readCount(readField(usage, "prompt_tokens_details"), "cached_tokens"),
  });
}
