import { RunError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Sample, SampleOutput } from "#src/evaluation/sample.ts";
import { isRefusal } from "#src/producer/run-kinds/batch/write-chat-output.ts";
import type { ItemWithRecord } from "#src/producer/storage/run-reader.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { sampleMetadataSchema } from "./sample-metadata.ts";

/** Finish reasons under OpenAI's names. */
const FINISH_REASONS: Partial<Record<ChatResponse["finishReason"]["unified"], string>> = {
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
};

/** The sample that an item of an evaluation is. Throws a RunError for an item without a record. */
export function toSample({ item, record, call }: ItemWithRecord): Sample {
  const {
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
    : toOutput(JSON.parse(record.answer ?? "null") as ChatResponse, call?.durationMs);
  return { item: row, dataset, model: label, prompt, number: sample, cluster, groups, targets, fields, output };
}

function toOutput(response: ChatResponse, durationMs: number | undefined): SampleOutput {
  const { text, reasoning, refusal, toolCalls, finishReason, usage } = response;
  if (isRefusal(response)) {
    return {
      status: "refused",
      text,
      reason: refusal === undefined ? "cut off by the content filter" : "refused by the model",
    };
  }
  return omitUndefined({
    status: "answered" as const,
    text,
    reasoning,
    toolCalls,
    finishReason: FINISH_REASONS[finishReason.unified] ?? finishReason.raw ?? finishReason.unified,
    promptTokens: usage.inputTokens,
    completionTokens: usage.outputTokens,
    durationMs,
  });
}
