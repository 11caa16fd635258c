import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { createZhipuChatDialect } from "#src/providers/zhipu/chat-dialect.ts";

const codec = createChatCodec(createZhipuChatDialect("glm-4-plus", undefined, 4096));
const user = { role: "user", content: "hi" } as const;
const encode = (request: Partial<ChatRequest>) => JSON.parse(codec.encode({ messages: [user], ...request }, false));

describe("Zhipu's chat requests", () => {
  it("keep temperature and top_p within the range of every model", () => {
    expect(encode({ temperature: 0 })).toMatchObject({ do_sample: false });
    expect(encode({ temperature: 0 })).not.toHaveProperty("temperature");
    expect(encode({ temperature: 1, topP: 1 })).toMatchObject({ temperature: 0.99, top_p: 0.99 });
    expect(encode({ temperature: 0.001, topP: 0 })).toMatchObject({ temperature: 0.01, top_p: 0.01 });
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), fc.double({ min: -5, max: 5, noNaN: true }), (t, p) => {
        const { temperature = 0.5, top_p } = encode({ temperature: t, topP: p });
        for (const value of [temperature, top_p]) {
          expect(value).toBeGreaterThanOrEqual(0.01);
          expect(value).toBeLessThanOrEqual(0.99);
        }
      }),
    );
  });

  it("keep 1 for models since GLM-4.5", () => {
    for (const model of ["glm-4.5", "glm-4.5-air", "glm-4.6", "glm-5", "glm-5.3-flash"]) {
      const { encode: encodeNew, check } = createChatCodec(createZhipuChatDialect(model));
      const request = { messages: [user], temperature: 1, topP: 1 };
      expect(JSON.parse(encodeNew(request, false))).toMatchObject({ temperature: 1, top_p: 1 });
      expect(check(request)).toEqual({ rejected: [], adjusted: [] });
    }
  });

  it("name what is sent differently", () => {
    const adjusted = (request: Partial<ChatRequest>) => codec.check({ messages: [user], ...request }).adjusted;
    expect(adjusted({ temperature: 0, topP: 0.5, user: "user-7" })).toEqual([]);
    expect(adjusted({ temperature: 1, topP: 1, user: "ann" })).toEqual([
      "zhipu/glm-4-plus accepts a temperature between 0.01 and 0.99; other values are sent as the nearest bound",
      "zhipu/glm-4-plus accepts a top_p between 0.01 and 0.99; other values are sent as the nearest bound",
      "zhipu/glm-4-plus accepts a user of 6 to 128 characters; others are not sent",
    ]);
  });

  it("omit fields that are not set", () => {
    expect(encode({})).toEqual({ model: "glm-4-plus", messages: [user], stream: false });
    expect(JSON.parse(codec.encode({ messages: [user] }, true))).toEqual({
      model: "glm-4-plus",
      messages: [user],
      stream: true,
    });
  });

  it("send stop as a list, and the user under Zhipu's field name if the length is valid", () => {
    expect(encode({ stop: ["x"] }).stop).toEqual(["x"]);
    expect(encode({ extra: { stop: "x" } }).stop).toEqual(["x"]);
    expect(encode({ user: "user-7" })).toMatchObject({ user_id: "user-7" });
    for (const name of ["ann", "x".repeat(129)]) {
      expect(encode({ user: name })).not.toHaveProperty("user_id");
      expect(encode({ user: name })).not.toHaveProperty("user");
    }
  });

  it("flatten lists of text parts only where Zhipu would drop them", () => {
    const content = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    const image = [{ type: "image_url", image_url: { url: "x" } }];
    const { messages } = encode({
      messages: [
        { role: "user", content },
        { role: "assistant", content },
        { role: "tool", content, toolCallId: "1" },
        { role: "assistant", content: image },
        { role: "assistant", content: null },
      ],
    });
    expect(messages.map((message: { content: unknown }) => message.content)).toEqual([
      content,
      "ab",
      "ab",
      image,
      null,
    ]);
  });

  it.each([
    ["sensitive", "content-filter"],
    ["network_error", "server"],
  ])("treat the finish reason %s as a failure, streamed or not", (reason, kind) => {
    const choice = { index: 0, finish_reason: reason };
    const body = Buffer.from(JSON.stringify({ choices: [{ ...choice, message: { content: "part" } }] }));
    expect(() => codec.decode({ status: 200, headers: {}, body }, 0)).toThrow(
      expect.objectContaining({ kind, code: reason }),
    );
    const reducer = codec.reducer({ status: 200, headers: {} }, 0);
    const data = JSON.stringify({ choices: [{ ...choice, delta: { content: "" } }] });
    expect(() => reducer.reduce(reducer.initial, { name: "", data })).toThrow(
      expect.objectContaining({ kind, code: reason }),
    );
  });
});

describe("a request ID of Zhipu", () => {
  const ours = createChatCodec(createZhipuChatDialect("glm-4-plus", "ours"));
  const answer = (requestId?: string) => ({
    ...(requestId !== undefined && { request_id: requestId }),
    choices: [{ index: 0, message: { content: "x" }, delta: { content: "x" }, finish_reason: "stop" }],
  });
  const decode = (body: object) =>
    ours.decode({ status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) }, 0);
  const reduce = (body: object) => {
    const { initial, reduce: step } = ours.reducer({ status: 200, headers: {} }, 0);
    return step(initial, { name: "message", data: JSON.stringify(body) }).state.text;
  };

  it("is sent, and must match the ID in the response if there is one", () => {
    expect(JSON.parse(ours.encode({ messages: [user] }, false))).toMatchObject({ request_id: "ours" });
    expect([decode(answer("ours")).text, decode(answer()).text]).toEqual(["x", "x"]);
    expect([reduce(answer("ours")), reduce(answer())]).toEqual(["x", "x"]);
    for (const read of [decode, reduce])
      expect(() => read(answer("another"))).toThrow(
        expect.objectContaining({ kind: "bad-response", requestId: "ours" }),
      );
  });
});

describe("max_tokens for Zhipu", () => {
  it.each([0, 4097, 1.5, -1])("is rejected if it is %d, before any call, with the range", (maxTokens) => {
    expect(() => encode({ maxTokens })).toThrow(
      `max_tokens of glm-4-plus must be a whole number from 1 to 4096, not ${maxTokens}`,
    );
  });

  it("is not checked if no maximum is published", () => {
    const isUnlisted = createChatCodec(createZhipuChatDialect("glm-9"));
    expect(JSON.parse(isUnlisted.encode({ messages: [user], maxTokens: 1e6 }, false)).max_tokens).toBe(1e6);
  });
});
