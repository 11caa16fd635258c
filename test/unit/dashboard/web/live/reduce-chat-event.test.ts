import { expect, test } from "vitest";
import type { LiveChatEvent } from "#src/dashboard/live/chat-api.ts";
import { EMPTY_ANSWER, reduceChatEvent } from "#src/dashboard/web/live/reduce-chat-event.ts";

const text = (delta: string, attempt = 1): LiveChatEvent => ({ item: "i", type: "text", attempt, delta });
const reduceEvents = (...events: LiveChatEvent[]) => events.reduce(reduceChatEvent, EMPTY_ANSWER);

test("appends deltas by type, and a reset starts the answer again", () => {
  const thought: LiveChatEvent = { item: "i", type: "reasoning", attempt: 1, delta: "hm" };
  expect(reduceEvents(thought, text("a"), text("b"))).toMatchObject({
    reasoning: "hm",
    text: "ab",
    isFinished: false,
  });
  const reset: LiveChatEvent = { item: "i", type: "reset", attempt: 2 };
  expect(reduceEvents(thought, text("a"), reset, text("c", 2))).toMatchObject({
    reasoning: "",
    text: "c",
    attempt: 2,
  });
});

test("the text of the end event replaces the received text, which is kept otherwise", () => {
  expect(reduceEvents(text("a"), { item: "i", type: "end", text: "whole" })).toMatchObject({
    text: "whole",
    isFinished: true,
  });
  const failure = { kind: "timeout", message: "no answer" };
  expect(reduceEvents(text("a"), { item: "i", type: "end", failure })).toMatchObject({ text: "a", failure });
});

test("limits the length of an answer", () => {
  const long = "x".repeat(400_000);
  expect(reduceEvents(text(long), text(long), text("end")).text).toHaveLength(500_000);
});
