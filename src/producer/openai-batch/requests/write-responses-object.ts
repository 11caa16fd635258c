import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { CompletionMetadata } from "./write-chat-completion.ts";

/** Converts an answer to the body of OpenAI's Responses API. */
export function writeResponsesObject(response: ChatResponse, metadata: CompletionMetadata): Record<string, unknown> {
  const { text, reasoning, refusal, toolCalls = [], finishReason, extra = {} } = response;
  const { message: _, choice: __, logprobs: ___, usage: ____, body: _____, ...others } = extra;
  const id = metadata.id.replace(/^chatcmpl-/, "");
  const content = [
    ...(text === "" ? [] : [{ type: "output_text", text, annotations: [] }]),
    ...(refusal === undefined ? [] : [{ type: "refusal", refusal }]),
  ];
  const isIncomplete = finishReason.unified === "length" || finishReason.unified === "content-filter";
  const status = isIncomplete ? "incomplete" : "completed";
  const reason = finishReason.unified === "length" ? "max_output_tokens" : "content_filter";
  return {
    ...others,
    id: `resp_${id}`,
    object: "response",
    created_at: metadata.created,
    status,
    error: null,
    incomplete_details: isIncomplete ? { reason } : null,
    model: response.model ?? metadata.model,
    output: [
      ...(reasoning
        ? [{ type: "reasoning", id: `rs_${id}`, summary: [{ type: "summary_text", text: reasoning }] }]
        : []),
      ...(content.length > 0 || toolCalls.length === 0
        ? [{ type: "message", id: `msg_${id}`, status, role: "assistant", content }]
        : []),
      ...toolCalls.map(({ id: callId, name, arguments: json }, index) => ({
        ...{ type: "function_call", id: `fc_${id}_${index}`, call_id: callId },
        ...{ name, arguments: json, status: "completed" },
      })),
    ],
    usage: writeUsage(response),
  };
}

function writeUsage({ usage }: ChatResponse): Record<string, unknown> | null {
  const { inputTokens, outputTokens, totalTokens, cachedTokens, reasoningTokens } = usage;
  const reported = omitUndefined({
    input_tokens: inputTokens,
    input_tokens_details: cachedTokens === undefined ? undefined : { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: reasoningTokens === undefined ? undefined : { reasoning_tokens: reasoningTokens },
    total_tokens: totalTokens,
  });
  return Object.keys(reported).length === 0 ? null : reported;
}
