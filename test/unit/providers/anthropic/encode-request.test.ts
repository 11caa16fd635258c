import { describe, expect, it } from "vitest";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { createAnthropicCodec } from "#src/providers/anthropic/anthropic-provider.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";

/** The request in the body of a batch line. */
function read(body: JsonObject): ChatRequest {
  const found = readChatRequest({ messages: [{ role: "user", content: "hi" }], ...body });
  if ("problems" in found) throw new Error(found.problems.join("; "));
  return found.request;
}

const codec = (model: string) => createAnthropicCodec({ name: model, maxOutputTokens: 64_000 });
const encode = (body: JsonObject, model = "claude-sonnet-4-5"): Record<string, unknown> =>
  JSON.parse(codec(model).encode(read(body), false));
const check = (body: JsonObject, model = "claude-sonnet-4-5") => codec(model).check(read(body));

const PNG = "iVBORw0KGgo=";
const CALL = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } };
const TOOL = {
  type: "function",
  function: {
    name: "weather",
    description: "d",
    parameters: { type: "object", properties: { city: {} } },
    strict: true,
  },
};

describe("a request in OpenAI's form", () => {
  it("gets the model's limit of tokens, and its system messages as a field", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hi" },
      { role: "developer", content: "Really." },
    ];
    expect(encode({ messages })).toEqual({
      model: "claude-sonnet-4-5",
      max_tokens: 64_000,
      system: [
        { type: "text", text: "Be brief." },
        { type: "text", text: "Really." },
      ],
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      stream: false,
    });
    expect(check({ messages }).adjusted).toEqual([expect.stringContaining("later ones are moved to the front")]);
    expect(encode({ messages: messages.slice(0, 2), max_tokens: 5 })).toMatchObject({
      system: "Be brief.",
      max_tokens: 5,
    });
    expect(JSON.parse(createAnthropicCodec({ name: "claude-next" }).encode(read({}), true))).toMatchObject({
      max_tokens: 32_000,
      stream: true,
    });
  });

  it("sends tools, their calls and all results in one message", () => {
    const body = encode({
      tools: [TOOL, { type: "web_search_20250305", name: "web_search" }],
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
      messages: [
        { role: "user", content: "Weather?" },
        { role: "assistant", content: null, tool_calls: [CALL, { ...CALL, id: "call_2" }] },
        { role: "tool", tool_call_id: "call_1", name: "weather", content: "sunny" },
        { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "rain" }], is_error: true },
        { role: "user", content: "And?" },
      ],
    });
    expect(body.tools).toEqual([
      { name: "weather", description: "d", input_schema: TOOL.function.parameters, strict: true },
      { type: "web_search_20250305", name: "web_search" },
    ]);
    expect(body.tool_choice).toEqual({ type: "tool", name: "weather", disable_parallel_tool_use: true });
    expect(body.messages).toEqual([
      { role: "user", content: [{ type: "text", text: "Weather?" }] },
      {
        role: "assistant",
        content: ["call_1", "call_2"].map((id) => ({ type: "tool_use", id, name: "weather", input: { city: "Rome" } })),
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: "sunny" },
          { type: "tool_result", tool_use_id: "call_2", content: [{ type: "text", text: "rain" }], is_error: true },
          { type: "text", text: "And?" },
        ],
      },
    ]);
    const choice = (value: unknown) => encode({ tools: [TOOL], tool_choice: value }).tool_choice;
    expect(["auto", "required", "none", { type: "any" }].map(choice)).toEqual([
      { type: "auto" },
      { type: "any" },
      { type: "none" },
      { type: "any" },
    ]);
  });

  it("sends images, documents and marks of the prompt cache", () => {
    const cache_control = { type: "ephemeral" };
    const content = [
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
      { type: "image_url", image_url: { url: "https://x.example/a.png" } },
      { type: "file", file: { file_data: `data:application/pdf;base64,${PNG}`, filename: "a.pdf" } },
      { type: "text", text: "what?", cache_control },
    ];
    const messages = [
      { role: "system", content: [{ type: "text", text: "long", cache_control }] },
      { role: "user", content },
      { role: "assistant", content: "yes", cache_control },
      { role: "user", content: "go" },
    ];
    expect(encode({ messages })).toMatchObject({
      system: [{ type: "text", text: "long", cache_control }],
      messages: [
        {
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
            { type: "image", source: { type: "url", url: "https://x.example/a.png" } },
            { type: "document", title: "a.pdf", source: { type: "base64", media_type: "application/pdf", data: PNG } },
            { type: "text", text: "what?", cache_control },
          ],
        },
        { content: [{ type: "text", text: "yes", cache_control }] },
        {},
      ],
    });
    expect(check({ messages }).adjusted).toEqual([expect.stringContaining("detail of images")]);
  });

  it("sends signed reasoning back before the calls that it led to", () => {
    const reasoning_details = [
      { type: "reasoning.text", text: "hm", signature: "SIG", format: "anthropic-claude-v1", index: 0 },
      { type: "reasoning.encrypted", data: "XYZ", format: "anthropic-claude-v1", index: 1 },
      { type: "reasoning.encrypted", data: "ABC", format: "google-gemini-v1", index: 2 },
    ];
    const ask = (more: object) => ({
      messages: [
        { role: "user", content: "Weather?" },
        { role: "assistant", content: "Let me see.", tool_calls: [CALL], ...more },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
      ],
    });
    const [, assistant] = encode(ask({ reasoning_content: "hm", reasoning_details })).messages as {
      content: unknown;
    }[];
    expect(assistant?.content).toEqual([
      { type: "thinking", thinking: "hm", signature: "SIG" },
      { type: "redacted_thinking", data: "XYZ" },
      { type: "text", text: "Let me see." },
      expect.objectContaining({ type: "tool_use" }),
    ]);
    expect(check(ask({ reasoning_content: "hm" }))).toEqual({
      rejected: [],
      adjusted: [expect.stringContaining("only with its signature")],
    });
  });

  it("asks for a schema and for reasoning in the form of the model's generation", () => {
    const schema = { type: "object", properties: {}, additionalProperties: false };
    const body = {
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
      reasoning_effort: "low",
    };
    expect(encode(body, "claude-opus-4-8")).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "low", format: { type: "json_schema", schema } },
    });
    expect(encode({ ...body, max_tokens: 10_000 })).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 2000 },
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(encode({ reasoning_effort: "none" })).toMatchObject({ thinking: { type: "disabled" } });
    expect(encode({ thinking: { type: "enabled", budget_tokens: 2048 } })).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 2048 },
    });
  });

  it("translates the other parameters, and leaves out those without an effect", () => {
    const body = encode({
      ...{ temperature: 0.5, top_p: 1, stop: "END", user: "u-1", service_tier: "default", top_k: 5 },
      ...{ n: 1, frequency_penalty: 0, logprobs: false, store: true, metadata: { run: "1" }, modalities: ["text"] },
    });
    expect(body).toEqual({
      model: "claude-sonnet-4-5",
      max_tokens: 64_000,
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      temperature: 0.5,
      stop_sequences: ["END"],
      metadata: { user_id: "u-1" },
      service_tier: "standard_only",
      top_k: 5,
      stream: false,
    });
    expect(encode({ temperature: 1, top_p: 1 }, "claude-opus-5")).not.toHaveProperty("temperature");
  });

  it.each<[JsonObject, string, string?]>([
    [{ seed: 7 }, "seed cannot be expressed"],
    [{ frequency_penalty: 0.5 }, "frequency_penalty cannot be expressed"],
    [{ logprobs: true }, "logprobs cannot be expressed"],
    [{ temperature: 1.5 }, "temperature must be a number from 0 to 1, not 1.5"],
    [{ temperature: 0.5, top_p: 0.5 }, "temperature and top_p must not be combined"],
    [{ temperature: 0 }, "temperature must be 1 or absent for claude-opus-4-7", "claude-opus-4-7"],
    [{ top_p: 0.5 }, "top_p must be 1 or absent for claude-fable-5", "claude-fable-5"],
    [{ max_tokens: 65_000 }, "max_tokens must be a whole number from 1 to 64000, not 65000"],
    [{ reasoning_effort: "low", temperature: 0 }, "temperature must be absent if the model thinks"],
    [{ reasoning_effort: "low", max_tokens: 1000 }, "reasoning_effort needs max_tokens above 1024"],
    [{ reasoning_effort: "extreme" }, "reasoning_effort must be one of none, minimal"],
    [{ response_format: { type: "json_object" } }, 'response_format must be of type "text", or "json_schema"'],
    [{ tools: [{ type: "custom", custom: { name: "x" } }] }, "tools[0] cannot be expressed"],
    [{ tools: [TOOL], tool_choice: { type: "allowed_tools" } }, "tool_choice cannot be expressed"],
    [{ service_tier: "flex" }, "service_tier cannot be expressed"],
    [{ messages: [{ role: "user", content: "" }] }, "messages[0].content must not be empty"],
    [{ messages: [{ role: "user", content: "x", name: "Ann" }] }, "messages[0].name cannot be expressed"],
    [{ messages: [{ role: "assistant", content: "x" }] }, "messages must begin with a message of the user"],
    [
      { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: {} }] }] },
      "messages[0].content[0] cannot be expressed",
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/bmp;base64,AAAA" } }] },
        ],
      },
      "messages[0].content[0].image_url.url must be an https URL",
    ],
    [
      {
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content: null, tool_calls: [{ ...CALL, function: { name: "f", arguments: "{" } }] },
        ],
      },
      "messages[1].tool_calls[0].function.arguments must be a JSON object",
    ],
    [
      {
        messages: [
          { role: "user", content: "x" },
          { role: "assistant", content: "The" },
        ],
      },
      "messages must not end with a message of the assistant: claude-opus-4-6 cannot continue it",
      "claude-opus-4-6",
    ],
  ])("is rejected before it is sent: %j", (body, problem, model) => {
    expect(check(body, model).rejected).toEqual([expect.stringContaining(problem)]);
    expect(() => encode(body, model)).toThrow(problem);
  });
});
