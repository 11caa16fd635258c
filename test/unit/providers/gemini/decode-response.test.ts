import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { createGeminiCodec } from "#src/providers/gemini/gemini-provider.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse } from "#src/providers/provider.ts";

const codec = createGeminiCodec({ name: "gemini-3.5-flash" });
const head = { status: 200, headers: {} };

function decode(body: unknown): ChatResponse {
  return codec.decode({ ...head, body: Buffer.from(JSON.stringify(body)) }, 0);
}

function stream(frames: readonly unknown[]): { response: ChatResponse; events: ChatEvent[] } {
  const reducer = codec.reducer(head, 0);
  let state = reducer.initial;
  const seen: ChatEvent[] = [];
  for (const frame of frames) {
    const step = reducer.reduce(state, { name: "", data: JSON.stringify(frame) });
    state = step.state;
    seen.push(...step.events);
  }
  return { response: reducer.finish(state), events: seen };
}

function write(response: ChatResponse) {
  return writeChatCompletion(response, { id: "chatcmpl-1", created: 1, model: "m" }) as Record<string, unknown> & {
    choices: [{ message: Record<string, unknown> }];
  };
}

const USAGE = {
  promptTokenCount: 10,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 3,
  cachedContentTokenCount: 4,
  totalTokenCount: 18,
};
const body = (parts: readonly unknown[] | undefined, finishReason: unknown = "STOP", candidate: object = {}) => ({
  candidates: [{ content: { parts, role: "model" }, finishReason, index: 0, ...candidate }],
  usageMetadata: USAGE,
  modelVersion: "gemini-3.5-flash",
  responseId: "r1",
});
const THOUGHT = { text: "hm", thought: true };
const CALL = { functionCall: { name: "f", args: { x: 1 } }, thoughtSignature: "U0lH" };

describe("a response", () => {
  it("becomes an answer in OpenAI's form with everything that was sent", () => {
    const answer = body([THOUGHT, { text: "Hi", thoughtSignature: "VEVY" }, CALL], "STOP", {
      groundingMetadata: { x: 1 },
    });
    const response = decode(answer);
    expect(response).toMatchObject({
      text: "Hi",
      reasoning: "hm",
      finishReason: { unified: "tool-calls", raw: "STOP" },
      usage: { inputTokens: 10, outputTokens: 8, totalTokens: 18, cachedTokens: 4, reasoningTokens: 3 },
      model: "gemini-3.5-flash",
      requestId: "r1",
    });
    expect(write(response)).toMatchObject({
      choices: [
        {
          finish_reason: "tool_calls",
          groundingMetadata: { x: 1 },
          message: {
            content: "Hi",
            reasoning_content: "hm",
            extra_content: { google: { thought_signature: "VEVY" } },
            tool_calls: [
              {
                id: "r1_0",
                function: { name: "f", arguments: '{"x":1}' },
                extra_content: { google: { thought_signature: "U0lH" } },
              },
            ],
          },
        },
      ],
      usage: { prompt_tokens: 10, completion_tokens: 8, completion_tokens_details: { reasoning_tokens: 3 } },
    });
  });

  it("keeps images and other parts in their order", () => {
    const parts = [
      { text: "here" },
      { inlineData: { mimeType: "image/png", data: "QUJD" } },
      { executableCode: { code: "1" } },
    ];
    expect(write(decode(body(parts))).choices[0].message.content).toEqual([
      { type: "text", text: "here" },
      { type: "image_url", image_url: { url: "data:image/png;base64,QUJD" } },
      { type: "executableCode", executableCode: { code: "1" } },
    ]);
  });

  it.each([
    ["SAFETY", "content-filter"],
    ["RECITATION", "content-filter"],
    ["PROHIBITED_CONTENT", "content-filter"],
    ["SPII", "content-filter"],
    ["MALFORMED_FUNCTION_CALL", "server"],
    ["OTHER", "server"],
  ])("with the finish reason %s is %s, even with a part of the text", (reason, kind) => {
    for (const parts of [undefined, [{ text: "partial" }]])
      expect(() => decode(body(parts, reason))).toThrow(expect.objectContaining({ kind, code: reason }));
  });

  it("without candidates is the block of its prompt", () => {
    const blocked = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: USAGE };
    const failure = expect.objectContaining({ kind: "content-filter", code: "PROHIBITED_CONTENT" });
    expect(() => decode(blocked)).toThrow(failure);
    expect(() => stream([blocked])).toThrow(failure);
  });

  it("without text is an answer only if a limit ended it, or if it is explicitly empty", () => {
    expect(decode(body(undefined, "MAX_TOKENS"))).toMatchObject({ text: "", finishReason: { unified: "length" } });
    expect(() => decode(body(undefined))).toThrow(ProviderError);
    expect(() => decode(body([{ text: "" }]))).toThrow(ProviderError);
    const empty = { ...body([{ text: "" }]), usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 } };
    expect(decode(empty).text).toBe("");
  });

  it("has its log probabilities in OpenAI's form, joined from the frames of a stream", () => {
    const frame = (token: string, finishReason: string | null) =>
      body([{ text: token }], finishReason, {
        logprobsResult: {
          chosenCandidates: [{ token, logProbability: -0.5 }],
          topCandidates: [{ candidates: [{ token: "x", logProbability: -2 }] }],
        },
      });
    const entry = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] });
    const content = ["a", "é"].map((token) => ({ ...entry(token, -0.5), top_logprobs: [entry("x", -2)] }));
    const { response } = stream([frame("a", null), frame("é", "STOP")]);
    expect(write(response).choices[0]).toMatchObject({ logprobs: { content } });
    expect(write(decode(frame("a", "STOP"))).choices[0]).toMatchObject({ logprobs: { content: content.slice(0, 1) } });
  });

  it("may come as the list of its frames", () => {
    expect(decode([body([{ text: "a" }], null), body([{ text: "b" }])]).text).toBe("ab");
  });
});

describe("a stream", () => {
  it("gives the same answer as the complete response, however it is split", () => {
    const part = fc.oneof(
      fc.record({ text: fc.string({ minLength: 1 }) }),
      fc.record({ text: fc.string({ minLength: 1 }), thought: fc.constant(true) }),
      fc
        .dictionary(fc.string(), fc.string())
        .map((args) => ({ functionCall: { name: "f", args }, thoughtSignature: "U0lH" })),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
        const pieces = parts.flatMap((one): JsonObject[] => {
          if (!("text" in one)) return [one];
          return (one.text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? []).map((text) => ({ ...one, text }));
        });
        const frames = pieces.map((piece, index) => body([piece], index === pieces.length - 1 ? "STOP" : null));
        const { response, events } = stream(frames);
        expect(response).toEqual(decode(body(parts)));
        const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
        expect(text).toBe(response.text);
        const calls = events.filter((event) => event.type === "tool-call-delta");
        expect(calls.map(({ type: _, index: __, ...call }) => call)).toEqual(response.toolCalls ?? []);
      }),
    );
  });

  it("fails with the error that interrupts it, also in a list", () => {
    const error = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };
    for (const frame of [error, [error]])
      expect(() => stream([body([{ text: "a" }], null), frame])).toThrow(
        expect.objectContaining({ kind: "overloaded", providerMessage: "overloaded" }),
      );
  });

  it("without a finish reason is no success", () => {
    expect(() => stream([body([{ text: "a" }], null)])).toThrow(ProviderError);
    expect(() => stream([])).toThrow(ProviderError);
  });
});

it("no JSON body, whatever its shape, is an empty success", () => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  const part = (value: unknown) => fc.oneof(fc.constant(value), anything);
  const parts = fc.oneof(anything, fc.array(fc.oneof(anything, fc.record({ text: anything }))));
  const candidates = fc.array(
    fc.record({ content: fc.oneof(anything, fc.record({ parts })), finishReason: part("STOP") }, { requiredKeys: [] }),
  );
  const bodies = fc.record(
    { candidates: fc.oneof(anything, candidates), usageMetadata: part(USAGE), error: anything },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(anything, bodies), (value) => {
      let response: ChatResponse;
      try {
        response = decode(value);
      } catch (error) {
        expect(error).toBeInstanceOf(ProviderError);
        return;
      }
      const { text, reasoning, toolCalls, extra, finishReason, usage } = response;
      const hasAnswer = text !== "" || (reasoning ?? toolCalls ?? extra?.message) !== undefined;
      expect(hasAnswer || finishReason.unified === "length" || (usage.outputTokens ?? 0) <= 4).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it("unknown fields of a body survive", () => {
  const name = fc.string({ minLength: 1 }).map((text) => `x_${text}`);
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean())), (fields) => {
      const written = write(decode({ ...body([{ text: "Hi", ...fields }], "STOP", fields), ...fields }));
      expect(written).toMatchObject(fields);
      expect(written.choices[0]).toMatchObject(fields);
      if (Object.keys(fields).length > 0)
        expect(written.choices[0].message.content).toEqual([expect.objectContaining(fields)]);
    }),
  );
});
