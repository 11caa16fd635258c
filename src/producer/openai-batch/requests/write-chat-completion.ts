import { isObject } from "#src/providers/json-value.ts";
import type { ChatResponse, FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";

export interface CompletionMetadata {
  /** Of the completion, ours: the provider's own is the request id. */
  readonly id: string;
  /** Epoch seconds. */
  readonly created: number;
  /** What was asked for; the model that the provider says answered comes before it. */
  readonly model: string;
}

const FINISH_REASONS: Readonly<Record<FinishReason["unified"], string | undefined>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  other: undefined,
};

/** An answer as the body of OpenAI's chat completion. A figure that the provider did not report is absent. */
export function writeChatCompletion(response: ChatResponse, metadata: CompletionMetadata): Record<string, unknown> {
  const { text, reasoning, toolCalls, finishReason, extra = {} } = response;
  const { message, logprobs, ...others } = extra;
  return {
    ...others,
    id: metadata.id,
    object: "chat.completion",
    created: metadata.created,
    model: response.model ?? metadata.model,
    choices: [
      {
        index: 0,
        message: {
          ...(isObject(message) ? message : {}),
          role: "assistant",
          content: text === "" && toolCalls !== undefined && toolCalls.length > 0 ? null : text,
          ...(reasoning !== undefined && { reasoning_content: reasoning }),
          ...(toolCalls && toolCalls.length > 0 && { tool_calls: toolCalls.map(writeToolCall) }),
          refusal: null,
        },
        logprobs: logprobs ?? null,
        finish_reason: FINISH_REASONS[finishReason.unified] ?? finishReason.raw ?? "stop",
      },
    ],
    ...writeUsage(response.usage),
  };
}

function writeToolCall({ id, name, arguments: text }: ToolCall) {
  return { id, type: "function", function: { name, arguments: text } };
}

function writeUsage(usage: Usage): Record<string, unknown> {
  const { inputTokens, outputTokens, totalTokens, cachedTokens, reasoningTokens } = usage;
  const written = {
    ...(inputTokens !== undefined && { prompt_tokens: inputTokens }),
    ...(outputTokens !== undefined && { completion_tokens: outputTokens }),
    ...(totalTokens !== undefined && { total_tokens: totalTokens }),
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens !== undefined && {
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    }),
  };
  return Object.keys(written).length === 0 ? {} : { usage: written };
}
