import { parseModelName } from "#src/core/model-name.ts";
import { buildOutputLineParts, computeRequestId, formatErrorLine } from "#src/producer/openai-batch/output-lines.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { writeModeration } from "#src/producer/openai-batch/requests/write-moderation.ts";
import { writeResponsesObject } from "#src/producer/openai-batch/requests/write-responses-object.ts";
import { writeTextCompletion } from "#src/producer/openai-batch/requests/write-text-completion.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import type { ChatChoice, ChatResponse } from "#src/providers/provider.ts";

export interface ChatLineOptions {
  readonly run: string;
  /** Decides the form of the answers; by default that of chat completions. */
  readonly endpoint?: BatchManifest["endpoint"];
}

/** A line of the output, or of the errors, with its line break. */
export interface ChatLine {
  readonly text: string;
  readonly isOk: boolean;
  /** The model refused to answer, or a content filter cut the answer off. */
  readonly isRefusal: boolean;
}

const WRITERS: Partial<Record<BatchManifest["endpoint"], typeof writeChatCompletion>> = {
  "/v1/responses": writeResponsesObject,
  "/v1/completions": writeTextCompletion,
  "/v1/moderations": writeModeration,
};

/** Formats the record of a chat request as the line that its batch has for it. The same record gives the same line. */
export function formatChatLine({ item, record }: RecordedItem, { run, endpoint }: ChatLineOptions): ChatLine {
  const line = { run, index: item.index, customId: item.id };
  if (record.failure) return { text: formatErrorLine(line, record.failure), isOk: false, isRefusal: false };
  const response: ChatResponse = JSON.parse(record.answer ?? "null");
  const write = WRITERS[endpoint ?? "/v1/chat/completions"] ?? writeChatCompletion;
  const body = write(response, {
    id: `chatcmpl-${computeRequestId(line)}`,
    created: Math.floor(record.recordedAt / 1000),
    model: stripProvider(item.metadata?.model),
  });
  const [head, tail] = buildOutputLineParts(line, response.requestId);
  const isRefused = [response, ...(response.choices ?? [])].every(isRefusal);
  return { text: `${head}${JSON.stringify(body)}${tail}`, isOk: true, isRefusal: isRefused };
}

/** Whether the model refused to answer, or a content filter cut the answer off. */
export function isRefusal({ refusal, finishReason }: ChatChoice): boolean {
  return refusal !== undefined || finishReason.unified === "content-filter";
}

/** What the provider itself calls the model: "glm-4-plus" for "zhipu/glm-4-plus". */
function stripProvider(model: unknown): string {
  const name = String(model ?? "");
  return parseModelName(name)?.model ?? name;
}
