import { RunError } from "#src/core/failures/errors.ts";
import { computeCost, type TokenPrice } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { AnsweredSample, Sample, SampleOutput, SampleUsage } from "#src/evaluation/sample.ts";
import { isRefusal } from "#src/producer/run-kinds/batch/format-chat-line.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import type { ItemWithRecord } from "#src/producer/storage/run-reader.ts";
import type { StoredRecord } from "#src/producer/storage/stored-record.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { chatRequestSchema } from "#src/queues/payload.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import { sampleMetadataSchema } from "./sample-metadata.ts";

/** Finish reasons under OpenAI's names. */
const FINISH_REASONS: Partial<Record<ChatResponse["finishReason"]["unified"], string>> = {
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
};

/**
 * The sample that an item of an evaluation is; `prices` are those of models by "provider/model". Throws a RunError for an item
 * without a record.
 */
export function toSample({ item, record, call }: ItemWithRecord, prices: ModelPrices): Sample {
  const {
    model,
    label,
    prompt,
    dataset,
    item: row,
    sample,
    cluster = row,
    groups = {},
    targets,
    fields,
  } = sampleMetadataSchema.parse(item.metadata);
  if (record === undefined)
    throw new RunError(
      `the item "${item.id}" has no answer yet`,
      "Run the same command again; it resumes and scores the answers when the run is complete.",
    );
  const output: SampleOutput = record.failure
    ? {
        status: record.failure.kind === "content-filter" ? "refused" : "failed",
        reason: `${record.failure.kind}: ${record.failure.message}`,
      }
    : toOutput(JSON.parse(record.answer ?? "null") as ChatResponse, (response) =>
        toUsage(response, { record, call }, prices.get(model)),
      );
  return {
    item: row,
    dataset,
    model: label,
    prompt,
    number: sample,
    cluster,
    groups,
    targets,
    fields,
    output,
    readQuestion: () => readQuestion(item.text),
  };
}

export function isAnswered(sample: Sample): sample is AnsweredSample {
  return sample.output.status === "answered";
}

/** The texts of the last message of the user in a request. */
function readQuestion(request: string): string {
  const { messages } = chatRequestSchema.parse(JSON.parse(request));
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string"
    ? content
    : content.flatMap((part) => ("text" in part && typeof part.text === "string" ? [part.text] : [])).join("\n");
}

/** What the call of an item took; undefined if it has no answer. */
export function readSampleUsage(
  { record, call }: ItemWithRecord,
  price: TokenPrice | undefined,
): SampleUsage | undefined {
  if (record === undefined || record.failure) return undefined;
  const response = record.answer === undefined ? undefined : (JSON.parse(record.answer) as ChatResponse);
  return response ? toUsage(response, { record, call }, price) : toEmbeddingUsage(record, call, price);
}

function toEmbeddingUsage(
  { tokens, attempts, recordedAt }: StoredRecord,
  call: RecordCall | undefined,
  price: TokenPrice | undefined,
): SampleUsage {
  const cost = price && computeCost(price, { input: tokens, output: 0 }, call?.startedAt ?? recordedAt);
  return omitUndefined({ promptTokens: tokens, durationMs: call?.durationMs, cost: attempts === 0 ? 0 : cost });
}

export function toOutput(response: ChatResponse, toUsage: (response: ChatResponse) => SampleUsage): SampleOutput {
  const { text, reasoning, refusal, toolCalls, finishReason } = response;
  if (isRefusal(response)) {
    const reason = refusal === undefined ? "cut off by the content filter" : "refused by the model";
    return { status: "refused", text, reason, ...toUsage(response) };
  }
  const finish = FINISH_REASONS[finishReason.unified] ?? finishReason.raw ?? finishReason.unified;
  return omitUndefined({
    ...{ status: "answered" as const, text, reasoning, toolCalls, finishReason: finish },
    ...toUsage(response),
  });
}

function toUsage(
  response: ChatResponse,
  { record, call }: { readonly record: StoredRecord; readonly call: RecordCall | undefined },
  price: TokenPrice | undefined,
): SampleUsage {
  const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = response.usage;
  const tokens = recordUsage({ tokens: record.tokens, json: response });
  const cost = price && computeCost(price, tokens, call?.startedAt ?? record.recordedAt);
  return omitUndefined({
    ...{ promptTokens: inputTokens, completionTokens: outputTokens, cachedTokens, reasoningTokens },
    durationMs: call?.durationMs,
    // Duplicates and answers from the cache needed no call.
    cost: record.attempts === 0 ? 0 : cost,
  });
}
