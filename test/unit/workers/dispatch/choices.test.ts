import { expect, test } from "vitest";
import type { ChatResponse } from "#src/providers/provider.ts";
import { AnswerCollector } from "#src/workers/dispatch/answer-collector.ts";
import { combineChoices, splitChoices } from "#src/workers/dispatch/choices.ts";

const messages = [{ role: "user" as const, content: "hi" }];
const answer = (text: string, more: Partial<ChatResponse> = {}): ChatResponse => ({
  text,
  finishReason: { unified: "stop" },
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
  ...more,
});

test("a request for several answers becomes requests for one, with different seeds", () => {
  expect(splitChoices({ messages, seed: 7, extra: { n: 3, top_k: 1 } })).toEqual([
    { messages, seed: 7, extra: { top_k: 1 } },
    { messages, seed: 8, extra: { top_k: 1 } },
    { messages, seed: 9, extra: { top_k: 1 } },
  ]);
  expect(splitChoices({ messages, extra: { n: 2 } })).toEqual([
    { messages, extra: {} },
    { messages, extra: {} },
  ]);
  expect(splitChoices({ messages })).toEqual([{ messages }]);
});

test("answers are combined in the order of their requests when the last one arrives, and their usage is added", () => {
  const collector = new AnswerCollector(3, combineChoices);
  const usage = (cost: number) => ({ usage: { cost, details: { cached: 1 }, tier: "a" }, message: { x: cost } });
  expect(collector.add(2, answer("c", { extra: usage(3) }))).toBeUndefined();
  expect(collector.add(0, answer("a", { extra: usage(1), requestId: "first", model: "m" }))).toBeUndefined();
  expect(collector.add(1, answer("b", { extra: usage(2) }))).toEqual({
    ...answer("a", { requestId: "first", model: "m" }),
    usage: { inputTokens: 9, outputTokens: 6, totalTokens: 15 },
    extra: { message: { x: 1 }, usage: { cost: 6, details: { cached: 3 }, tier: "a" } },
    choices: [
      { text: "b", finishReason: { unified: "stop" }, extra: { message: { x: 2 } } },
      { text: "c", finishReason: { unified: "stop" }, extra: { message: { x: 3 } } },
    ],
  });
});
