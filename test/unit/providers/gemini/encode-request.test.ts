import { describe, expect, it } from "vitest";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { createGeminiCodec } from "#src/providers/gemini/gemini-provider.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";

/** The request in the body of a batch line. */
function read(body: JsonObject): ChatRequest {
  const found = readChatRequest({ messages: [{ role: "user", content: "hi" }], ...body });
  if ("problems" in found) throw new Error(found.problems.join("; "));
  return found.request;
}

const codec = (model: string) => createGeminiCodec({ name: model, maxOutputTokens: 65_536 });
const encode = (body: JsonObject, model = "gemini-2.5-flash"): Record<string, unknown> =>
  JSON.parse(codec(model).encode(read(body), false));
const check = (body: JsonObject, model = "gemini-2.5-flash") => codec(model).check(read(body));

const PNG = "iVBORw0KGgo=";
const CALL = {
  id: "call_1",
  type: "function",
  function: { name: "weather", arguments: '{"city":"Rome"}' },
  extra_content: { google: { thought_signature: "U0lH" } },
};
const parameters = { type: "object", properties: { city: {} } };
const TOOL = { type: "function", function: { name: "weather", description: "d", parameters } };

describe("a request in OpenAI's form", () => {
  it("has its system messages apart, and its parameters in generationConfig", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hi" },
    ];
    const body = encode({
      ...{ messages, temperature: 0.5, top_p: 0.9, top_k: 5, max_tokens: 10, stop: ["END"], seed: 7 },
      ...{ frequency_penalty: 0.1, presence_penalty: 0.2, logprobs: true, top_logprobs: 2, n: 1, store: true },
      ...{ user: "u", metadata: {}, service_tier: "flex", safetySettings: [{ category: "c", threshold: "t" }] },
      extra_body: { google: { cached_content: "cachedContents/x" } },
    });
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      generationConfig: {
        ...{ temperature: 0.5, topP: 0.9, topK: 5, maxOutputTokens: 10, stopSequences: ["END"], seed: 7 },
        ...{ frequencyPenalty: 0.1, presencePenalty: 0.2, responseLogprobs: true, logprobs: 2 },
      },
      serviceTier: "flex",
      safetySettings: [{ category: "c", threshold: "t" }],
      cached_content: "cachedContents/x",
    });
  });

  it("sends functions, signed calls and all results in one turn", () => {
    const body = encode({
      tools: [TOOL, { googleSearch: {} }],
      tool_choice: { type: "function", function: { name: "weather" } },
      messages: [
        { role: "user", content: "Weather?" },
        { role: "assistant", content: null, tool_calls: [CALL, { ...CALL, id: "call_2", extra_content: undefined }] },
        { role: "tool", tool_call_id: "call_1", content: '{"sky":"blue"}' },
        { role: "tool", tool_call_id: "call_2", content: "rain" },
        { role: "user", content: "And?" },
      ],
    });
    expect(body.tools).toEqual([
      { functionDeclarations: [{ name: "weather", description: "d", parametersJsonSchema: parameters }] },
      { googleSearch: {} },
    ]);
    expect(body.toolConfig).toEqual({ functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } });
    expect(body.contents).toEqual([
      { role: "user", parts: [{ text: "Weather?" }] },
      {
        role: "model",
        parts: [
          { functionCall: { id: "call_1", name: "weather", args: { city: "Rome" } }, thoughtSignature: "U0lH" },
          { functionCall: { id: "call_2", name: "weather", args: { city: "Rome" } } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "call_1", name: "weather", response: { sky: "blue" } } },
          { functionResponse: { id: "call_2", name: "weather", response: { output: "rain" } } },
          { text: "And?" },
        ],
      },
    ]);
    const mode = (value: unknown) => encode({ tools: [TOOL], tool_choice: value }).toolConfig;
    expect(["auto", "required", "none"].map(mode)).toEqual(
      ["AUTO", "ANY", "NONE"].map((name) => ({ functionCallingConfig: { mode: name } })),
    );
  });

  it("sends images, audio, files, parts in Gemini's own form, and the signature of a text", () => {
    const content = [
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
      { type: "image_url", image_url: { url: "https://x.example/a.jpg?x=1" } },
      { type: "input_audio", input_audio: { data: PNG, format: "wav" } },
      { type: "file", file: { file_data: `data:application/pdf;base64,${PNG}` } },
      { type: "executableCode", executableCode: { code: "1" } },
      { type: "text", text: "what?" },
    ];
    const messages = [
      { role: "user", content },
      { role: "assistant", content: "yes", extra_content: { google: { thought_signature: "U0lH" } } },
      { role: "user", content: "go" },
    ];
    expect(encode({ messages }).contents).toEqual([
      {
        role: "user",
        parts: [
          { inlineData: { mimeType: "image/png", data: PNG } },
          { fileData: { mimeType: "image/jpeg", fileUri: "https://x.example/a.jpg?x=1" } },
          { inlineData: { mimeType: "audio/wav", data: PNG } },
          { inlineData: { mimeType: "application/pdf", data: PNG } },
          { executableCode: { code: "1" } },
          { text: "what?" },
        ],
      },
      { role: "model", parts: [{ text: "yes", thoughtSignature: "U0lH" }] },
      { role: "user", parts: [{ text: "go" }] },
    ]);
    expect(check({ messages }).adjusted).toEqual([expect.stringContaining("detail of images")]);
  });

  it("asks for schemas, and for reasoning in the form of the model's generation", () => {
    const config = (body: JsonObject, model?: string) => encode(body, model).generationConfig;
    expect(config({ response_format: { type: "json_object" } })).toEqual({ responseMimeType: "application/json" });
    const json_schema = { name: "x", schema: parameters };
    expect(config({ response_format: { type: "json_schema", json_schema } })).toEqual({
      responseMimeType: "application/json",
      responseJsonSchema: parameters,
    });
    expect(config({ reasoning_effort: "medium" })).toEqual({
      thinkingConfig: { includeThoughts: true, thinkingBudget: 8192 },
    });
    expect(config({ reasoning_effort: "medium" }, "gemini-3.5-flash")).toEqual({
      thinkingConfig: { includeThoughts: true, thinkingLevel: "MEDIUM" },
    });
    expect(config({ reasoning_effort: "none" })).toEqual({ thinkingConfig: { thinkingBudget: 0 } });
    expect(config({ extra_body: { google: { thinking_config: { thinkingBudget: 5 } } } })).toEqual({
      thinkingConfig: { thinkingBudget: 5 },
    });
    expect(config({ generationConfig: { mediaResolution: "LOW" } })).toEqual({ mediaResolution: "LOW" });
  });

  it.each<[JsonObject, string]>([
    [{ logit_bias: { "1": 1 } }, "logit_bias cannot be expressed"],
    [{ parallel_tool_calls: false }, "parallel_tool_calls cannot be expressed"],
    [{ temperature: 2.5 }, "temperature must be a number from 0 to 2, not 2.5"],
    [{ max_tokens: 70_000 }, "max_tokens must be a whole number from 1 to 65536, not 70000"],
    [{ stop: ["a", "b", "c", "d", "e", "f"] }, "stop must have at most 5 texts"],
    [{ reasoning_effort: "extreme" }, "reasoning_effort must be one of none, minimal"],
    [{ response_format: { type: "grammar" } }, "response_format must be of type"],
    [{ tools: [{ type: "custom", custom: { name: "x" } }] }, "tools[0] cannot be expressed"],
    [{ tools: [TOOL], tool_choice: { type: "allowed_tools" } }, "tool_choice cannot be expressed"],
    [{ service_tier: "scale" }, "service_tier cannot be expressed"],
    [{ messages: [{ role: "user", content: "" }] }, "messages[0].content must not be empty"],
    [{ messages: [{ role: "user", content: "x", name: "Ann" }] }, "messages[0].name cannot be expressed"],
    [{ messages: [{ role: "assistant", content: "x" }] }, "messages must contain a message of the user"],
    [{ messages: [{ role: "user", content: [{ type: "hologram" }] }] }, "messages[0].content[0] cannot be expressed"],
    [{ messages: [{ role: "tool", tool_call_id: "x", content: "y" }] }, "messages[0].tool_call_id must be that of"],
  ])("is rejected before it is sent: %j", (body, problem) => {
    expect(check(body).rejected).toEqual([expect.stringContaining(problem)]);
    expect(() => encode(body)).toThrow(problem);
  });
});
