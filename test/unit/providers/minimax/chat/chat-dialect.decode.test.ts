import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProviderError } from "#src/core/failures/errors.ts";
import { createMinimaxChatDialect } from "#src/providers/minimax/chat/chat-dialect.ts";
import { describeChatModel, MINIMAX_DIALECTS, type MinimaxDialect } from "#src/providers/minimax/chat/chat-models.ts";
import { MINIMAX_CODES } from "#src/providers/minimax/profile.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { ChatEvent, ChatResponse } from "#src/providers/provider.ts";
import { SseDecoder } from "#src/providers/transport/sse.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { bytesOf, framesOf, modelOf, ok, wholeOf } from "./wire.ts";

const NOW = Date.UTC(2026, 10, 21);

function codecOf(dialect: MinimaxDialect) {
  return createChatCodec(createMinimaxChatDialect(describeChatModel(modelOf(dialect)), dialect));
}

function response(body: unknown, status = 200): HttpResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: { "content-type": "application/json" }, body: Buffer.from(text) };
}

/** Passes chunks through decoder and reducer, as the driver does. */
function read(dialect: MinimaxDialect, pieces: readonly Buffer[]) {
  const reducer = codecOf(dialect).reducer({ status: 200, headers: { "content-type": "text/event-stream" } }, NOW);
  const decoder = new SseDecoder({ framing: dialect === "chatcompletion" ? "line" : "blank-line" });
  const events: ChatEvent[] = [];
  let state = reducer.initial;
  const take = (group: ReturnType<SseDecoder["push"]>) => {
    for (const event of group) {
      const step = reducer.reduce(state, event);
      state = step.state;
      events.push(...step.events);
      if (step.done) return true;
    }
    return false;
  };
  const done = pieces.some((piece) => take(decoder.push(piece))) || take(decoder.end());
  return { events, done, response: reducer.finish(state) };
}

function readFrames(dialect: MinimaxDialect, frames: readonly unknown[]) {
  return read(dialect, [bytesOf(frames)]);
}

function textOf(events: readonly ChatEvent[]): string {
  return events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
}

function failure(run: () => unknown): ProviderError {
  try {
    run();
  } catch (error) {
    return error as ProviderError;
  }
  throw new Error("it was accepted");
}

describe.each(MINIMAX_DIALECTS)("a stream of %s", (dialect) => {
  const deltas = ["春眠不觉晓", "，处处", "闻啼鸟 🐦", "."];
  const text = deltas.join("");

  it("yields the text once although the final frame repeats it, and the last valid usage", () => {
    const { events, response: answer } = readFrames(dialect, framesOf(dialect, deltas));
    expect(textOf(events)).toBe(text);
    expect(events.filter(({ type }) => type === "text-delta")).toHaveLength(deltas.length);
    expect(answer).toMatchObject({
      text,
      finishReason: { unified: "stop", raw: "stop" },
      usage: { totalTokens: 7 },
      model: modelOf(dialect),
      requestId: "a1",
    });
  });

  it("equals the non-streamed response", () => {
    const { text: streamed, finishReason } = readFrames(dialect, framesOf(dialect, deltas)).response;
    const whole = codecOf(dialect).decode(response(wholeOf(dialect, text)), NOW);
    expect({ text: streamed, finishReason }).toEqual({ text: whole.text, finishReason: whole.finishReason });
    expect(whole.usage).toEqual({ totalTokens: 7 });
  });

  it("yields the same for any split of its bytes and any line endings", () => {
    const piece = fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 });
    const separator =
      dialect === "chatcompletion" ? fc.constantFrom("\n", "\n\n", "\r\n\r\n") : fc.constantFrom("\n\n", "\r\n\r\n");
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        separator,
        fc.array(fc.nat(2000), { maxLength: 12 }),
        (parts, end, cuts) => {
          const bytes = bytesOf(framesOf(dialect, parts), end);
          const offsets = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
          const pieces = [...offsets, bytes.length].map((offset, n) => bytes.subarray(offsets[n - 1] ?? 0, offset));
          const result = read(dialect, pieces);
          expect(result).toEqual(read(dialect, [bytes]));
          expect(result.response.text).toBe(parts.join(""));
          expect(textOf(result.events)).toBe(result.response.text);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("never succeeds if it is truncated, at any byte", () => {
    const bytes = bytesOf(framesOf(dialect, deltas), dialect === "chatcompletion" ? "\n" : "\n\n");
    // Without the last line feeds, the stream is still complete.
    const end = bytes.toString().trimEnd().length;
    const meaningful = Buffer.byteLength(bytes.toString().slice(0, end));
    for (let length = 0; length < meaningful; length++) {
      const error = failure(() => read(dialect, [bytes.subarray(0, length)]));
      // Bytes that end within a character are rejected before any frame is read.
      const kind = (error.name as string) === "SseSyntaxError" ? "bad-response" : error.kind;
      expect([length, kind]).toEqual([length, "bad-response"]);
    }
    expect(read(dialect, [bytes.subarray(0, meaningful)]).response.text).toBe(text);
  });

  it("fails at an error frame, with its kind", () => {
    const frames = [...framesOf(dialect, deltas).slice(0, 2), { base_resp: { status_code: 1002, status_msg: "x" } }];
    expect(failure(() => readFrames(dialect, frames))).toMatchObject({ kind: "throttled", code: "1002" });
  });

  it("treats a content filter flag as a content-filter error", () => {
    const frames = framesOf(dialect, deltas);
    const marked = { ...(frames[1] as object), output_sensitive: true, output_sensitive_type: 6 };
    const error = failure(() => readFrames(dialect, [frames[0], marked]));
    expect(error).toMatchObject({ kind: "content-filter", code: "output_sensitive" });
    expect(error.message).toBe("the output was marked by the content filter: violence");
    const whole = { ...wholeOf(dialect, "x"), input_sensitive: true };
    expect(failure(() => codecOf(dialect).decode(response(whole), NOW))).toMatchObject({
      kind: "content-filter",
      code: "input_sensitive",
    });
  });

  it.each(Object.keys(MINIMAX_CODES))("maps code %s in a response with status 200, streamed or not", (code) => {
    const body = { choices: null, base_resp: { status_code: Number(code), status_msg: "PROMPT sk-secret" } };
    const { kind } = MINIMAX_CODES[Number(code)]!;
    const whole = failure(() => codecOf(dialect).decode(response(body), NOW));
    const rejected = codecOf(dialect).classify(response({ base_resp: body.base_resp }), NOW);
    for (const error of [whole, rejected]) {
      expect(error).toMatchObject({ kind, code, isUnlisted: false, status: 200 });
      expect(error.message).not.toMatch(/PROMPT|secret/);
    }
  });

  it.each([
    ["an empty body", ""],
    ["a page", "<html>captive portal</html>"],
    ["a list", "[]"],
    ["broken JSON", '{"choices":[{"mess'],
    ["null choices", { choices: null, base_resp: ok }],
    ["no choices", { choices: [], base_resp: ok }],
    ["nothing", {}],
  ])("rejects %s in a response with status 200", (_, body) => {
    const answer = response(body);
    expect(failure(() => codecOf(dialect).decode(answer, NOW)).kind).toBe("bad-response");
    expect(codecOf(dialect).classify(answer, NOW).kind).toBe("bad-response");
  });

  it("throws only its own error for arbitrary data", () => {
    const keys = fc.constantFrom(
      "choices",
      "delta",
      "message",
      "messages",
      "reply",
      "usage",
      "base_resp",
      "error",
      "index",
      "finish_reason",
      "tool_calls",
      "__proto__",
    );
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 0, -1, 1e9, "", "stop", true),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    const tryIt = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        expect((error as Error).name).toBe("ProviderError");
      }
    };
    fc.assert(
      fc.property(fc.array(json, { maxLength: 4 }), (frames) => {
        tryIt(() => readFrames(dialect, frames));
        tryIt(() => codecOf(dialect).decode(response(frames[0] ?? {}), NOW));
      }),
      { numRuns: 300 },
    );
    expect({}).not.toHaveProperty("index");
  });
});

describe("final frames", () => {
  it("adds text that the deltas lack, and rejects a different text", () => {
    const [first, ...rest] = framesOf("chatcompletion_v2", ["ab", "cd"]);
    expect(readFrames("chatcompletion_v2", [first, rest.at(-1)]).response.text).toBe("abcd");
    expect(failure(() => readFrames("chatcompletion_v2", [rest[0], rest.at(-1)]))).toMatchObject({
      kind: "bad-response",
      message: expect.stringContaining("differs"),
    });
  });

  it("accepts a stream that consists of the final frame only", () => {
    for (const dialect of ["chatcompletion", "chatcompletion_pro", "chatcompletion_v2"] as const) {
      const closing = framesOf(dialect, ["一句话"]).at(-1);
      expect(textOf(readFrames(dialect, [closing]).events)).toBe("一句话");
    }
  });

  it("does not accept [DONE] as the end if no frame has completed the answer", () => {
    const frames = framesOf("openai", ["a"]).filter((frame) => !JSON.stringify(frame).includes("stop"));
    expect(failure(() => readFrames("openai", frames)).kind).toBe("bad-response");
  });

  it.each(["openai", "chatcompletion_v2"] as const)("reads a complete message inside a chunk of %s", (dialect) => {
    const chunk = (choice: object) => ({ object: "chat.completion.chunk", choices: [{ index: 0, ...choice }] });
    const whole = chunk({ finish_reason: "stop", message: { role: "assistant", content: "hello" } });
    const { events, response: answer } = readFrames(dialect, [chunk({ delta: { content: "he" } }), whole, "[DONE]"]);
    expect(answer.text).toBe("hello");
    expect(textOf(events)).toBe("hello");
    const both = chunk({ finish_reason: "stop", delta: { content: "llo" }, message: { content: "hello" } });
    expect(readFrames(dialect, [chunk({ delta: { content: "he" } }), both, "[DONE]"]).response.text).toBe("hello");
    const growing = ["he", "hello"].map((content) => chunk({ message: { content } }));
    expect(readFrames(dialect, [...growing, whole, "[DONE]"]).response.text).toBe("hello");
    const other = [chunk({ delta: { content: "hi" } }), whole, "[DONE]"];
    expect(failure(() => readFrames(dialect, other)).kind).toBe("bad-response");
  });

  it("completes the answer even without a finish reason", () => {
    for (const dialect of ["chatcompletion", "chatcompletion_pro", "chatcompletion_v2"] as const) {
      const frames = framesOf(dialect, ["a", "b"]).map((frame) => {
        const { choices, ...rest } = frame as { choices: readonly object[] };
        return { ...rest, choices: choices.map((choice) => ({ ...choice, finish_reason: undefined })) };
      });
      const answer = readFrames(dialect, frames).response;
      expect(answer).toMatchObject({ text: "ab", finishReason: { unified: "other" } });
      expect(failure(() => readFrames(dialect, frames.slice(0, -1))).kind).toBe("bad-response");
      expect(failure(() => readFrames(dialect, [...frames.slice(0, -1), "[DONE]"])).kind).toBe("bad-response");
    }
  });

  it("completes a tool call even without a finish reason", () => {
    const messages = [{ sender_type: "BOT", text: "", function_call: { name: "f", arguments: "{}" } }];
    const pro = { choices: [{ messages }], reply: "", usage: { total_tokens: 3 }, base_resp: ok };
    const message = { content: "", tool_calls: [{ id: "call_f", function: { name: "f", arguments: "{}" } }] };
    const v2 = { object: "chat.completion", choices: [{ index: 0, message }] };
    for (const answer of [readFrames("chatcompletion_pro", [pro]), readFrames("chatcompletion_v2", [v2])])
      expect(answer.response).toMatchObject({
        toolCalls: [{ id: "call_f", name: "f", arguments: "{}" }],
        finishReason: { unified: "tool-calls" },
      });
  });

  it("does not complete an empty answer without a finish reason", () => {
    const empty = { object: "chat.completion", choices: [{ index: 0, message: { content: "" } }] };
    expect(failure(() => readFrames("chatcompletion_v2", [empty])).kind).toBe("bad-response");
  });

  it("keeps the text of a frame that also contains the finish reason", () => {
    const frames = framesOf("chatcompletion_v2", ["a", "b"]).map((frame) => ({
      ...(frame as object),
      base_resp: ok,
    }));
    expect(readFrames("chatcompletion_v2", frames).response).toMatchObject({ text: "ab" });
  });
});

describe("reasoning", () => {
  const answer = (content: string, rest: object = {}): ChatResponse =>
    codecOf("openai").decode(response({ choices: [{ finish_reason: "stop", message: { content, ...rest } }] }), NOW);

  it.each([
    ["<think>\nweigh it\n</think>\n\nyes", "weigh it", "yes"],
    ["<think>想</think>好", "想", "好"],
    ["\n<think>a</think>b", "a", "b"],
    ["<think></think>b", undefined, "b"],
    ["<think>never closed", "never closed", ""],
    ["use <think> tags </think>", undefined, "use <think> tags </think>"],
    ["<thin", undefined, "<thin"],
    ["<think>a <b> < /think></think>c", "a <b> < /think>", "c"],
    ["<think>a</think>\n\n<think>b</think>", "a", "<think>b</think>"],
  ])("is separated from the text in %j", (content, reasoning, text) => {
    expect(answer(content)).toMatchObject({ text });
    expect(answer(content).reasoning).toBe(reasoning);
  });

  it("is the same for any split of the content", () => {
    const content = "<think>\none < two\n\n</thin\n</think>\n\nthe answer <think> stays";
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }), (sizes) => {
        const deltas: string[] = [];
        let rest = content;
        for (const size of sizes) {
          if (rest === "") break;
          deltas.push(rest.slice(0, size));
          rest = rest.slice(size);
        }
        if (rest !== "") deltas.push(rest);
        for (const dialect of ["openai", "chatcompletion_v2"] as const) {
          const { events, response: streamed } = readFrames(dialect, framesOf(dialect, deltas));
          expect(streamed.text).toBe("the answer <think> stays");
          expect(streamed.reasoning).toBe("one < two\n\n</thin");
          expect(textOf(events)).toBe(streamed.text);
        }
      }),
    );
  });

  it("is read from its separate fields", () => {
    expect(answer("b", { reasoning_content: "a" })).toMatchObject({ text: "b", reasoning: "a" });
    expect(answer("b", { reasoning_details: [{ text: "a" }, { text: "c" }] })).toMatchObject({
      text: "b",
      reasoning: "ac",
    });
    const chunk = (delta: object, finish_reason?: string) => ({ choices: [{ delta, finish_reason }] });
    const frames = [
      chunk({ reasoning_details: [{ text: "The user" }] }),
      chunk({ reasoning_details: [{ text: " asks" }] }),
      chunk({ content: "Hi" }, "stop"),
      "[DONE]",
    ];
    expect(readFrames("openai", frames).response).toMatchObject({ text: "Hi", reasoning: "The user asks" });
  });
});

describe("tool calls", () => {
  const call = (index: number, rest: object) => ({
    choices: [{ delta: { tool_calls: [{ index, ...rest }] } }],
  });

  it("are assembled from deltas", () => {
    const frames = [
      call(0, { id: "c1", function: { name: "add", arguments: '{"a"' } }),
      call(0, { function: { arguments: ":1}" } }),
      call(1, { id: "c2", function: { name: "sub", arguments: "{}" } }),
      { choices: [{ delta: {}, finish_reason: "tool_calls" }] },
      "[DONE]",
    ];
    expect(readFrames("openai", frames).response).toMatchObject({
      text: "",
      toolCalls: [
        { id: "c1", name: "add", arguments: '{"a":1}' },
        { id: "c2", name: "sub", arguments: "{}" },
      ],
      finishReason: { unified: "tool-calls", raw: "tool_calls" },
    });
  });

  it("must not have gaps in their indexes", () => {
    expect(failure(() => readFrames("openai", [call(7, { id: "x" })])).kind).toBe("bad-response");
  });

  it("count once when the closing frame of v2 repeats them", () => {
    const made = { id: "c1", function: { name: "add", arguments: "{}" } };
    const frames = [
      call(0, made),
      {
        object: "chat.completion",
        choices: [{ finish_reason: "tool_calls", message: { content: "", tool_calls: [made] } }],
        usage: { total_tokens: 3 },
      },
    ];
    expect(readFrames("chatcompletion_v2", frames).response.toolCalls).toEqual([
      { id: "c1", name: "add", arguments: "{}" },
    ]);
  });

  it.each(["openai", "chatcompletion_v2"] as const)("of the old form are kept in %s", (dialect) => {
    const function_call = { name: "f", arguments: '{"x":1}' };
    const chunk = (delta: object, finish_reason?: string) => ({
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason }],
    });
    const whole = { choices: [{ index: 0, finish_reason: "function_call", message: { content: "", function_call } }] };
    const frames = [
      chunk({ content: "", function_call: { name: "f", arguments: '{"x"' } }),
      chunk({ function_call: { arguments: ":1}" } }, "function_call"),
      dialect === "openai" ? "[DONE]" : { object: "chat.completion", ...whole },
    ];
    const answers = [readFrames(dialect, frames).response, codecOf(dialect).decode(response(whole), NOW)];
    for (const { extra } of answers) expect(extra?.message).toEqual({ function_call });
  });

  it("are function calls in the pro dialect", () => {
    const body = {
      reply: "",
      choices: [{ finish_reason: "stop", messages: [{ sender_type: "BOT", text: "" }] }],
      usage: { total_tokens: 3 },
      function_call: { name: "add", arguments: '{"a":1}' },
      base_resp: ok,
    };
    const { toolCalls, extra } = codecOf("chatcompletion_pro").decode(response(body), NOW);
    expect(toolCalls).toEqual([{ id: "call_add", name: "add", arguments: '{"a":1}' }]);
    expect(extra).toBeUndefined();
  });
});

describe("errors of the compatible endpoint", () => {
  const body = (type: string, message: string, http_code: string) => ({
    type: "error",
    error: { type, message, http_code },
    request_id: "r1",
  });

  it.each([
    [401, "authorized_error", "login fail: Please carry the API secret key (1004)", "auth", "1004"],
    [429, "rate_limit_error", "rate limit exceeded(RPM) (1002)", "throttled", "1002"],
    [429, "rate_limit_error", "usage limit exceeded (2056)", "quota", "2056"],
    [402, "insufficient_balance_error", "insufficient balance (1008)", "quota", "1008"],
    [429, "insufficient_balance_error", "insufficient balance", "quota", "insufficient_balance_error"],
    [400, "bad_request_error", "invalid params, temperature (2013)", "invalid-request", "2013"],
    [400, "bad_request_error", "input new_sensitive (1026)", "content-filter", "1026"],
    [400, "bad_request_error", "output new_sensitive (1027)", "content-filter", "1027"],
    [500, "server_error", "unknown error (1000)", "server", "1000"],
    [529, "overloaded_error", "try again", "overloaded", "overloaded_error"],
    [429, "new_error", "what", "throttled", "new_error"],
    [500, "new_error", "what", "server", "new_error"],
    [401, "invalid_request_error", "no key was sent", "auth", "invalid_request_error"],
    [429, "bad_request_error", "slow down", "throttled", "bad_request_error"],
    [503, "api_error", "busy", "overloaded", "api_error"],
    [400, "bad_request_error", "invalid params, unknown model 'm' (2013)", "auth", "2013"],
    [400, "bad_request_error", "invalid params, context window exceeds limit (2013)", "too-long", "2013"],
  ])("reads %d %s with %j as %s", (status, type, message, kind, code) => {
    const answer = response(body(type, message, String(status)), status);
    const error = codecOf("openai").classify(answer, NOW);
    expect(error).toMatchObject({ kind, code, status });
    expect(error.message).not.toContain(message);
    expect(error.providerMessage).toBe(message);
    expect(failure(() => codecOf("openai").decode(answer, NOW)).kind).toBe(kind);
    // The same error within a stream, whose status is 200.
    expect(failure(() => readFrames("openai", [body(type, message, String(status))])).kind).toBe(kind);
  });

  it("marks an error that no table lists", () => {
    expect(codecOf("openai").classify(response(body("new_error", "x", "418"), 418), NOW).isUnlisted).toBe(true);
  });
});
