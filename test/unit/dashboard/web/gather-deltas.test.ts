import { expect, test } from "vitest";
import type { LiveChatEvent } from "../../../../src/dashboard/contract.ts";
import { gatherDelta, NOTHING_YET } from "../../../../src/dashboard/web/live/gather-deltas.ts";

const text = (delta: string, attempt = 1): LiveChatEvent => ({ item: "i", type: "text", attempt, delta });
const gather = (...events: LiveChatEvent[]) => events.reduce(gatherDelta, NOTHING_YET);

test("deltas add up by what they are, and a reset begins the answer again", () => {
  const thought: LiveChatEvent = { item: "i", type: "reasoning", attempt: 1, delta: "hm" };
  expect(gather(thought, text("a"), text("b"))).toMatchObject({ reasoning: "hm", text: "ab", isOver: false });
  const reset: LiveChatEvent = { item: "i", type: "reset", attempt: 2 };
  expect(gather(thought, text("a"), reset, text("c", 2))).toMatchObject({
    reasoning: "",
    text: "c",
    attempt: 2,
  });
});

test("the end's own text wins; without one what was gathered stays", () => {
  expect(gather(text("a"), { item: "i", type: "end", text: "whole" })).toMatchObject({
    text: "whole",
    isOver: true,
  });
  const failure = { kind: "timeout", message: "no answer" };
  expect(gather(text("a"), { item: "i", type: "end", failure })).toMatchObject({ text: "a", failure });
});

test("an endless answer does not fill the page's memory", () => {
  const long = "x".repeat(400_000);
  expect(gather(text(long), text(long), text("end")).text).toHaveLength(500_000);
});
