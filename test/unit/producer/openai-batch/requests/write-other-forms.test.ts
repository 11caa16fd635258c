import { expect, test } from "vitest";
import { writeResponsesObject } from "#src/producer/openai-batch/requests/write-responses-object.ts";
import { writeTextCompletion } from "#src/producer/openai-batch/requests/write-text-completion.ts";
import type { ChatResponse } from "#src/providers/provider.ts";

const metadata = { id: "chatcmpl-1", created: 5, model: "m" };
const answer: ChatResponse = {
  text: "hello",
  reasoning: "hm",
  toolCalls: [{ id: "c", name: "f", arguments: "{}" }],
  finishReason: { unified: "length", raw: "length" },
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5, reasoningTokens: 1 },
};

test("an answer as an object of the Responses API", () => {
  expect(writeResponsesObject(answer, metadata)).toMatchObject({
    ...{ id: "resp_1", object: "response", created_at: 5, model: "m", status: "incomplete" },
    incomplete_details: { reason: "max_output_tokens" },
    output: [
      { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "hello" }] },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5, output_tokens_details: { reasoning_tokens: 1 } },
  });
});

test("an answer as a text completion", () => {
  const choices = [{ text: "again", finishReason: { unified: "stop" as const } }];
  expect(writeTextCompletion({ ...answer, choices }, metadata)).toMatchObject({
    ...{ id: "cmpl-1", object: "text_completion", created: 5, model: "m" },
    choices: [
      { index: 0, text: "hello", finish_reason: "length" },
      { index: 1, text: "again", finish_reason: "stop" },
    ],
    usage: { total_tokens: 5 },
  });
});
