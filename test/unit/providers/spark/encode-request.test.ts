import { describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { encodeChatRequest } from "#src/providers/spark/encode-request.ts";
import { findSparkVersion, SPARK_VERSIONS } from "#src/providers/spark/profile.ts";
import { toPlainMessages } from "#src/providers/spark/to-plain-messages.ts";

const caller = { appId: "a1b2c3d4", uid: "u".repeat(32) };

function encode(request: Partial<ChatRequest>, model = "max") {
  const messages: ChatMessage[] = [{ role: "user", content: "hello" }];
  return JSON.parse(encodeChatRequest(findSparkVersion(model), { messages, ...request }, caller));
}

function rejectionMessage(request: Partial<ChatRequest>, model = "max"): string {
  try {
    encode(request, model);
  } catch (error) {
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind: "invalid-request", provider: "spark" });
    return (error as ProviderError).message;
  }
  throw new Error("the request was encoded");
}

describe("SPARK_VERSIONS", () => {
  it.each([
    ["lite", "/v1.1/chat", "lite", 4096],
    ["pro", "/v3.1/chat", "generalv3", 8192],
    ["pro-128k", "/chat/pro-128k", "pro-128k", 4096],
    ["max", "/v3.5/chat", "generalv3.5", 8192],
    ["max-32k", "/chat/max-32k", "max-32k", 8192],
    ["ultra", "/v4.0/chat", "4.0Ultra", 8192],
    ["v1.1", "/v1.1/chat", "lite", 4096],
    ["v1.5", "/v1.1/chat", "lite", 4096],
    ["v2.0", "/v2.1/chat", "generalv2", 8192],
    ["v2.1", "/v2.1/chat", "generalv2", 8192],
    ["v3.0", "/v3.1/chat", "generalv3", 8192],
    ["generalv3.5", "/v3.5/chat", "generalv3.5", 8192],
    ["4.0Ultra", "/v4.0/chat", "4.0Ultra", 8192],
    ["x1", "/v1/x1", "x1", 32_768],
    ["v3.1", "/v3.1/chat", "generalv3", 8192],
    ["v3.5", "/v3.5/chat", "generalv3.5", 8192],
    ["v4.0", "/v4.0/chat", "4.0Ultra", 8192],
  ])("contains path, domain and limit of %s", (model, path, domain, maxOutputTokens) => {
    expect(SPARK_VERSIONS.find((one) => one.model === model)).toMatchObject({
      path,
      domain,
      maxOutputTokens,
    });
    expect(encode({}, model).parameter.chat.domain).toBe(domain);
    expect(encode({ maxTokens: maxOutputTokens }, model).parameter.chat.max_tokens).toBe(maxOutputTokens);
    expect(encode({ maxTokens: maxOutputTokens + 1 }, model).parameter.chat.max_tokens).toBe(maxOutputTokens);
  });
});

describe("a version that is not listed", () => {
  it("is sent as it is", () => {
    expect(findSparkVersion("ultra-9")).toMatchObject({
      path: "/chat/ultra-9",
      domain: "ultra-9",
      httpModel: "ultra-9",
    });
    expect(encode({ maxTokens: 1e6 }, "ultra-9").parameter.chat).toMatchObject({ domain: "ultra-9", max_tokens: 1e6 });
  });
});

describe("encodeChatRequest", () => {
  it("builds one frame of header, parameters and messages", () => {
    expect(
      encode({ temperature: 0.7, maxTokens: 100, extra: { top_k: 3, auditing: "default", patch_id: ["p"] } }),
    ).toEqual({
      header: { app_id: "a1b2c3d4", uid: caller.uid, patch_id: ["p"] },
      parameter: {
        chat: { domain: "generalv3.5", temperature: 0.7, max_tokens: 100, top_k: 3, auditing: "default" },
      },
      payload: { message: { text: [{ role: "user", content: "hello" }] } },
    });
  });

  it("omits unset fields, so that the provider's defaults apply", () => {
    expect(encode({}).parameter.chat).toEqual({ domain: "generalv3.5" });
  });

  it("does not let extra fields change the domain, which must match the path", () => {
    expect(encode({ extra: { domain: "lite" } }).parameter.chat.domain).toBe("generalv3.5");
  });

  it("sends top_k 1 for temperature 0, which the provider rejects", () => {
    expect(encode({ temperature: 0 }).parameter.chat).toMatchObject({ temperature: 0.01, top_k: 1 });
  });

  it.each([
    [{ temperature: 1.1 }, "temperature must be a number above 0, up to 1, not 1.1"],
    [{ temperature: -1 }, "temperature must be a number above 0, up to 1, not -1"],
    [{ temperature: Number.NaN }, "temperature must be a number above 0"],
    [{ maxTokens: 0 }, "max_tokens must be a whole number of at least 1, not 0"],
    [{ maxTokens: 1.5 }, "max_tokens must be a whole number"],
    [{ extra: { top_k: 7 } }, "top_k must be a whole number from 1 to 6, not 7"],
    [{ extra: { top_k: "4" } }, "top_k must be a whole number from 1 to 6, not a string"],
  ])("rejects %j and names the range", (request, message) => {
    expect(rejectionMessage(request)).toContain(message);
  });

  it.each([
    [{ stop: ["x"] }, "stop"],
    [{ seed: 1 }, "seed"],
    [{ topP: 0.5 }, "top_p"],
    [{ responseFormat: { type: "json_object" } }, "response_format"],
  ])("rejects %j, which has no field", (request, name) => {
    expect(rejectionMessage(request)).toContain(name);
    expect(rejectionMessage(request)).toContain("SPARK_PROTOCOL=http");
  });

  it("accepts options that have no effect", () => {
    expect(
      encode({ stop: [], topP: 1, responseFormat: { type: "text" }, tools: [], user: "u" }).parameter.chat,
    ).toEqual({ domain: "generalv3.5" });
  });

  const weather = { name: "weather", description: "d", parameters: { type: "object" } };
  const tools = [{ type: "function", function: weather }];

  it("sends functions if the version supports them", () => {
    expect(encode({ tools }).payload.functions).toEqual({ text: [weather] });
    expect(encode({ tools, toolChoice: "auto" }, "ultra").payload.functions).toEqual({ text: [weather] });
    expect(encode({ tools, toolChoice: "none" }).payload.functions).toBeUndefined();
    expect(rejectionMessage({ tools }, "lite")).toContain("max, max-32k and ultra");
    expect(rejectionMessage({ tools, toolChoice: "required" })).toContain("auto or none");
    expect(rejectionMessage({ tools: [{ name: "x" }] })).toContain("tool 0");
  });
});

describe("toPlainMessages", () => {
  const conversation: ChatMessage[] = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "hi" },
    { role: "assistant", content: "yo" },
    { role: "system", content: "### user: no" },
    {
      role: "user",
      content: [
        { type: "text", text: "a\n### b" },
        { type: "text", text: "c" },
      ],
    },
  ];

  it("moves system messages to the front if the version supports that role", () => {
    expect(toPlainMessages(conversation, true)).toEqual([
      { role: "system", content: "Be brief.\n\n### user: no" },
      { role: "user", content: "hi" },
      { role: "assistant", content: "yo" },
      { role: "user", content: "a\n### bc" },
    ]);
  });

  it("prepends them to the first user message otherwise", () => {
    expect(toPlainMessages(conversation, false)).toEqual([
      { role: "user", content: "Be brief.\n\n### user: no\n\nhi" },
      { role: "assistant", content: "yo" },
      { role: "user", content: "a\n### bc" },
    ]);
    expect(toPlainMessages([{ role: "system", content: "S" }], false)).toEqual([{ role: "user", content: "S" }]);
  });

  it.each([
    ["no message", [], "no message"],
    ["an image", [{ role: "user", content: [{ type: "image_url", image_url: {} }] }], "message 0"],
    ["a tool's answer", [{ role: "tool", content: "x", toolCallId: "1" }], "message 0"],
    [
      "a tool call",
      [{ role: "assistant", content: null, toolCalls: [{ id: "1", name: "f", arguments: "{}" }] }],
      "message 0",
    ],
  ] as [string, ChatMessage[], string][])("rejects %s", (_, messages, part) => {
    expect(() => toPlainMessages(messages, true)).toThrow(part);
  });
});
