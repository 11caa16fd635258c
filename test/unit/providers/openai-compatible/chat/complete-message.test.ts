import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import type { ChatEvent, ChatResponse } from "#src/providers/provider.ts";

const PROFILE = { name: "test", defaultBaseUrl: "https://x", envPrefix: "TEST", models: [] };
const codec = createChatCodec(createCompatibleChatDialect(PROFILE, "m"));

function stream(frames: readonly object[]): { events: ChatEvent[]; response: ChatResponse } {
  const reducer = codec.reducer({ status: 200, headers: {} }, 0);
  let state = reducer.initial;
  const events: ChatEvent[] = [];
  for (const data of [...frames.map((frame) => JSON.stringify(frame)), "[DONE]"]) {
    const step = reducer.reduce(state, { name: "", data });
    state = step.state;
    events.push(...step.events);
  }
  return { events, response: reducer.finish(state) };
}

const delta = (fields: object, finishReason: string | null = null) => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: fields, finish_reason: finishReason }],
});
const complete = (message: object, finishReason: string | null = "stop") => ({
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finishReason }],
});

const CALL = { index: 0, id: "x", type: "function", function: { name: "f", arguments: '{"a":1}' } };
const DETAILS = [{ type: "reasoning.text", index: 0, text: "think" }];

describe("a complete message in a stream", () => {
  it.each([null, ""])("with content %j repeats the tool calls of the deltas only once", (content) => {
    const { events, response } = stream([
      delta({ role: "assistant", content, tool_calls: [CALL] }),
      complete({ content, tool_calls: [CALL] }, "tool_calls"),
    ]);
    expect(response.toolCalls).toEqual([{ id: "x", name: "f", arguments: '{"a":1}' }]);
    expect(events.filter(({ type }) => type === "tool-call-delta")).toHaveLength(1);
  });

  it("repeats the refusal of the deltas only once", () => {
    const frames = [delta({ refusal: "no" }), complete({ content: null, refusal: "no" })];
    expect(stream(frames).response.refusal).toBe("no");
    expect(stream([complete({ content: null, refusal: "no" })]).response.refusal).toBe("no");
  });

  it("with tool calls, but without text, must not be followed by another one", () => {
    const frames = [
      complete({ content: "", tool_calls: [CALL] }, null),
      complete({ content: "", tool_calls: [CALL] }, "tool_calls"),
    ];
    expect(stream(frames.slice(1)).response.toolCalls).toEqual([{ id: "x", name: "f", arguments: '{"a":1}' }]);
    expect(() => stream(frames)).toThrow(ProviderError);
  });

  it("may be followed by an empty message with the finish reason", () => {
    const frames = [complete({ content: "hi" }, null), complete({ content: "" })];
    expect(stream(frames).response).toMatchObject({ text: "hi", finishReason: { unified: "stop" } });
  });

  it("keeps its empty lists, which do not replace those of the deltas", () => {
    const annotations = [{ type: "url_citation" }];
    const blank = complete({ content: "", annotations: [], images: [] });
    expect(stream([delta({ content: "hi", annotations }), blank]).response.extra).toEqual({
      message: { annotations, images: [] },
    });
  });

  it("is an empty answer only if its content is explicitly empty", () => {
    expect(stream([complete({ content: "" })]).response.text).toBe("");
    expect(() => stream([complete({ content: null })])).toThrow(ProviderError);
    expect(() => stream([complete({})])).toThrow(ProviderError);
  });

  it("repeats the reasoning details of the deltas only once", () => {
    const { events, response } = stream([
      delta({ content: "", reasoning_details: DETAILS }),
      delta({ content: "hi" }),
      complete({ content: "hi", reasoning_details: DETAILS }),
    ]);
    expect(response).toMatchObject({ text: "hi", reasoning: "think" });
    expect(response.extra).toEqual({ message: { reasoning_details: DETAILS } });
    expect(events.filter(({ type }) => type === "reasoning-delta")).toHaveLength(1);
  });

  it("keeps its other fields, and does not repeat those of the deltas", () => {
    const annotations = [{ type: "url_citation" }];
    const { response } = stream([
      delta({ content: "hi", annotations }),
      complete({ content: "hi", annotations, x: 1 }),
    ]);
    expect(response.extra).toEqual({ message: { annotations, x: 1 } });
    const later = stream([complete({ content: "hi", reasoning_details: DETAILS })]).response;
    expect(later).toMatchObject({ reasoning: "think", extra: { message: { reasoning_details: DETAILS } } });
  });

  it("keeps the parts of its content that are not text", () => {
    const content = [
      { type: "text", text: "hi" },
      { type: "image_url", image_url: { url: "x" } },
    ];
    for (const frames of [[complete({ content })], [delta({ content: "hi" }), complete({ content })]])
      expect(stream(frames).response).toMatchObject({ text: "hi", extra: { message: { content } } });
  });
});
