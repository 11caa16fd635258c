import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatEvent, ChatResponse } from "#src/providers/provider.ts";
import { createFrameReducer } from "#src/providers/spark/frame-reducer.ts";

interface FrameOptions {
  status?: number;
  code?: number;
  usage?: Record<string, number>;
  piece?: Record<string, unknown>;
}

function frame(seq: number, content: string, { status = 1, code = 0, usage, piece }: FrameOptions = {}): string {
  return JSON.stringify({
    header: { code, message: "Success", sid: "cht0001@dx2", status },
    payload: {
      choices: { status, seq, text: [{ content, role: "assistant", index: 0, ...piece }] },
      ...(usage && { usage: { text: usage } }),
    },
  });
}

function framesOf(texts: readonly string[]): string[] {
  return texts.map((text, seq) => frame(seq, text, { status: seq === texts.length - 1 ? 2 : seq === 0 ? 0 : 1 }));
}

/** Reduces all frames and finishes, as a model does when the connection closes. */
function run(frames: readonly string[], maxTokens?: number): { response: ChatResponse; events: ChatEvent[] } {
  const reducer = createFrameReducer({ maxTokens });
  let { initial: state } = reducer;
  const events: ChatEvent[] = [];
  for (const text of frames) {
    const step = reducer.reduce(state, text);
    state = step.state;
    events.push(...step.events);
    if (step.done) break;
  }
  return { response: reducer.finish(state), events };
}

function failure(frames: readonly string[]): ProviderError {
  try {
    run(frames);
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("the frames were accepted");
}

const usage = { question_tokens: 2, prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };

describe("the frame reducer", () => {
  it("keeps the text of the last frame and its usage", () => {
    const { response, events } = run([
      frame(0, "A", { status: 0 }),
      frame(1, "B"),
      frame(2, "C", { status: 2, usage }),
    ]);
    expect(response).toEqual({
      text: "ABC",
      finishReason: { unified: "stop" },
      usage: { inputTokens: 5, outputTokens: 7, totalTokens: 12 },
      requestId: "cht0001@dx2",
      extra: { usage },
    });
    expect(events).toEqual(["A", "B", "C"].map((text) => ({ type: "text-delta", text })));
  });

  it("keeps unknown fields, and rejects an answer without any content", () => {
    const { response } = run([frame(0, "A", { status: 2, piece: { citations: [1] } })]);
    expect(response.extra).toEqual({ message: { citations: [1] } });
    expect(run([frame(0, "", { status: 2 })]).response.text).toBe("");
    expect(failure([frame(0, "", { status: 2, piece: { content: null } })]).kind).toBe("bad-response");
  });

  it("accepts an answer of one frame", () => {
    expect(run([frame(0, "short", { status: 2 })]).response.text).toBe("short");
  });

  it("omits usage if there is none", () => {
    expect(run([frame(0, "x", { status: 2 })]).response.usage).toEqual({});
  });

  it("reports the finish reason length if the requested limit is used up", () => {
    expect(run([frame(0, "x", { status: 2, usage })], 7).response.finishReason.unified).toBe("length");
    expect(run([frame(0, "x", { status: 2, usage })], 8).response.finishReason.unified).toBe("stop");
  });

  it("yields reasoning and function calls", () => {
    const call = { name: "weather", arguments: '{"city":"合肥"}' };
    const { response, events } = run([
      frame(0, "", { status: 0, piece: { reasoning_content: "hm" } }),
      frame(1, "", { status: 2, piece: { function_call: call } }),
    ]);
    expect(response).toMatchObject({
      reasoning: "hm",
      toolCalls: [{ id: "call_cht0001@dx2", ...call }],
      finishReason: { unified: "tool-calls" },
    });
    expect(events).toEqual([
      { type: "reasoning-delta", text: "hm" },
      { type: "tool-call-delta", index: 0, id: "call_cht0001@dx2", ...call },
    ]);
  });

  it("ignores unknown fields, a repeated last frame and everything after it", () => {
    const last = frame(1, "b", { status: 2 });
    const odd = JSON.stringify({ ...JSON.parse(frame(0, "a", { status: 0 })), news: { __proto__: 1 } });
    expect(run([odd, last, last, frame(2, "no"), "not json"]).response.text).toBe("ab");
  });

  it("orders frames, drops duplicates, and completes only if no frame is missing (any order, any loss)", () => {
    const texts = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 12 });
    const scrambled = texts.chain((list) =>
      fc.record({
        list: fc.constant(list),
        order: fc.array(fc.nat({ max: list.length - 1 }), { maxLength: list.length * 3 }),
      }),
    );
    fc.assert(
      fc.property(scrambled, ({ list, order }) => {
        const all = framesOf(list);
        const sent = order.map((seq) => all[seq]!);
        const complete = new Set(order).size === list.length;
        if (complete) expect(run(sent).response.text).toBe(list.join(""));
        else expect(failure(sent).kind).toBe("bad-response");
      }),
      { numRuns: 500 },
    );
  });

  it("never accepts a prefix of a valid answer", () => {
    const all = framesOf(["一", "二", "三", "四"]);
    for (let length = 0; length < all.length; length++) expect(failure(all.slice(0, length)).kind).toBe("bad-response");
  });

  it("throws only its own errors for arbitrary frames", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.json(), fc.string()), { maxLength: 5 }), (frames) => {
        expect(failure(frames).provider).toBe("spark");
      }),
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("never turns frames that resemble answers into an empty success", () => {
    const any = fc.jsonValue({ maxDepth: 2 });
    const piece = fc.record({ content: any, reasoning_content: any, function_call: any, x: any }, { requiredKeys: [] });
    const choices = fc.record({ seq: fc.constant(0), text: fc.oneof(any, fc.array(piece)) }, { requiredKeys: ["seq"] });
    const payload = fc.record({ choices: fc.oneof(any, choices), usage: any, x: any }, { requiredKeys: [] });
    const body = fc.record({ header: fc.constant({ code: 0, status: 2 }), payload: fc.oneof(any, payload) });
    fc.assert(
      fc.property(body, (sent) => {
        let response: ChatResponse;
        try {
          response = run([JSON.stringify(sent)]).response;
        } catch (error) {
          expect(error).toBeInstanceOf(ProviderError);
          return;
        }
        const hasContent = response.text !== "" || response.reasoning || response.toolCalls || response.extra?.message;
        expect(hasContent || JSON.stringify(sent).includes('"content":""')).toBeTruthy();
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps the unknown fields of the payload and of its pieces", () => {
    const name = fc.string({ minLength: 1, maxLength: 8 }).map((text) => `x_${text}`);
    const unknown = fc.dictionary(
      name,
      fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(unknown, unknown, (inPayload, inPiece) => {
        const choices = { seq: 0, text: [{ content: "a", ...inPiece }] };
        const sent = JSON.stringify({ header: { code: 0, status: 2 }, payload: { ...inPayload, choices } });
        const { extra } = run([sent]).response;
        const kept = JSON.parse(JSON.stringify({ ...extra, message: extra?.message ?? {} }));
        expect(kept).toEqual(JSON.parse(JSON.stringify({ ...inPayload, message: inPiece })));
      }),
    );
  });

  it.each([
    ["no JSON", "<html>"],
    ["an array", "[]"],
    ["no header", "{}"],
    ["no code", '{"header":{"status":2}}'],
    ["success without choices", '{"header":{"code":0,"status":2}}'],
    ["no seq", '{"header":{"code":0,"status":2},"payload":{"choices":{"text":[{"content":"x"}]}}}'],
    ["a negative seq", frame(-1, "x", { status: 2 })],
    ["text that is no list", '{"header":{"code":0,"status":2},"payload":{"choices":{"seq":0,"text":"x"}}}'],
    [
      "content that is a number",
      '{"header":{"code":0,"status":2},"payload":{"choices":{"seq":0,"text":[{"content":1}]}}}',
    ],
  ])("rejects a frame with %s", (_, text) => {
    expect(failure([text])).toMatchObject({ kind: "bad-response", provider: "spark" });
  });

  it("rejects frames after the last one, and two different last frames", () => {
    expect(failure([frame(1, "b", { status: 2 }), frame(2, "c")]).message).toContain("follows the last one");
    expect(failure([frame(1, "b", { status: 2 }), frame(2, "c", { status: 2 })]).kind).toBe("bad-response");
    expect(failure([frame(3, "d"), frame(2, "c", { status: 2 })]).kind).toBe("bad-response");
  });

  it("fails if a frame stays missing, instead of buffering all later frames", () => {
    const frames = Array.from({ length: 1100 }, (_, index) => frame(index + 1, "x"));
    expect(failure(frames).message).toContain("frame 0 is missing");
  });

  it("names the missing frame", () => {
    expect(failure([frame(0, "a", { status: 0 }), frame(2, "c", { status: 2 })]).message).toContain(
      "without frame 1 of 0 to 2",
    );
    expect(failure([frame(0, "a", { status: 0 })]).message).toContain("without its last frame");
  });

  it("classifies an error frame by its code, even after text and with a success status", () => {
    const error = failure([
      frame(0, "partial text", { status: 0 }),
      JSON.stringify({ header: { code: 10014, message: "PROMPT", sid: "cht9", status: 2 } }),
    ]);
    expect(error).toMatchObject({ kind: "content-filter", code: "10014", requestId: "cht9" });
    expect(error.message).not.toMatch(/PROMPT|partial/);
    expect(failure([frame(0, "x", { status: 2, code: 11202 })]).kind).toBe("throttled");
  });

  it("returns the same result for the same state, because states are immutable", () => {
    const reducer = createFrameReducer();
    const first = reducer.reduce(reducer.initial, frame(1, "b")).state;
    const again = reducer.reduce(first, frame(0, "a", { status: 0 }));
    expect(reducer.reduce(first, frame(0, "a", { status: 0 }))).toEqual(again);
    expect(again.events).toEqual([
      { type: "text-delta", text: "a" },
      { type: "text-delta", text: "b" },
    ]);
  });
});
