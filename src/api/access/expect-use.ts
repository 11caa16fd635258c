import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import type { EmbeddingBody } from "#src/producer/openai-batch/requests/read-embedding-request.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { estimateAnswerTokens } from "#src/queues/payload.ts";
import type { ExpectedUse } from "./caller.ts";

/** What a chat call is expected to need; `model` is "provider/model". */
export function expectChatUse(model: string, request: ChatRequest): ExpectedUse {
  const { messages, tools, responseFormat, maxTokens } = request;
  const answers = countAnswers(request);
  return {
    model,
    inputTokens: estimateRequestTokens({ messages, tools, responseFormat }),
    outputTokens: estimateAnswerTokens(request) * answers,
    isOutputLimited: maxTokens !== undefined || request.operation !== undefined,
    answers,
  };
}

/** What vendors charge for an image of usual size. */
const ATTACHMENT_TOKENS = 1_000;

/** Estimates the tokens of a request. The length of an attached image or file says nothing about its tokens. */
function estimateRequestTokens(request: object): number {
  let attachments = 0;
  const text = JSON.stringify(request, (_, value: unknown) => {
    if (typeof value !== "string" || !value.startsWith("data:")) return value;
    attachments += 1;
    return "";
  });
  return estimateTokens(text) + attachments * ATTACHMENT_TOKENS;
}

/** What an embedding call is expected to need. */
export function expectEmbeddingUse(model: string, { inputs, partTokens }: EmbeddingBody): ExpectedUse {
  const tokens = partTokens ?? inputs.map((text) => estimateTokens(text));
  return { model, inputTokens: tokens.reduce((sum, count) => sum + count, 0), outputTokens: 0 };
}

/** How many answers a request asks for. */
function countAnswers({ extra = {} }: ChatRequest): number {
  return typeof extra.n === "number" && extra.n > 1 ? extra.n : 1;
}
