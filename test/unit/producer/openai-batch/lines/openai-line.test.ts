import { expect, test } from "vitest";
import { BatchRequestReader } from "#src/producer/openai-batch/batch-request.ts";
import { createRegistry } from "#src/providers/registry.ts";

const gateway = { name: "gw", baseUrl: "https://gw.example/v1", models: [{ name: "m", kind: "chat" as const }] };
const reader = (model?: string) => new BatchRequestReader(model, createRegistry({ definedProviders: [gateway] }));
const read = (line: object, model?: string) => reader(model).read(line);
const messages = [{ role: "user", content: "hi" }];
const chatLine = (url: string, body: object = { messages }) => ({
  ...{ custom_id: "a", method: "POST", url },
  body: { model: "gw/m", ...body },
});

test.each([
  "/chat/completions",
  "/v1/chat/completions",
  "/v4/chat/completions",
  "/openai/v1/chat/completions",
  "/api/paas/v4/chat/completions",
  "https://api.openai.com/v1/chat/completions",
  "https://open.bigmodel.cn/api/paas/v4/chat/completions",
  "https://x.openai.azure.com/openai/deployments/y/chat/completions?api-version=1",
])("chat completions at %s", (url) => {
  expect(read(chatLine(url))).toMatchObject({ endpoint: "/v1/chat/completions", chat: { messages } });
});

test.each([
  ["https://elsewhere.example/v1/chat/completions", "must be a path, or the URL of a provider that Sluice knows"],
  ["/v1/images", "must be /v1/chat/completions or /v1/embeddings or /v1/responses"],
  ["/v1/rerank", 'is not for batch files: the command "rerank" ranks documents'],
  ["chat/completions", "must be /v1/chat/completions"],
  [7, "must be /v1/chat/completions"],
])("%s is refused", (url, problem) => {
  expect(read(chatLine(url as string))).toContain(`"url" ${problem}`);
});

test("a text completion is sent as a chat with one message", () => {
  const body = { messages: undefined, prompt: "hi", max_tokens: 5 };
  expect(read(chatLine("/v1/completions", body))).toMatchObject({
    endpoint: "/v1/completions",
    chat: { messages, maxTokens: 5 },
  });
  expect(read(chatLine("/v1/completions", { prompt: ["a", "b"], suffix: "x" }))).toBe(
    '"prompt" must be one text; "suffix" has no counterpart in a chat completion',
  );
});

test("a request of the Responses API is translated", () => {
  const body = {
    instructions: "be brief",
    max_output_tokens: 50,
    reasoning: { effort: "low" },
    text: { format: { type: "json_schema", name: "x", schema: { type: "object" } } },
    tools: [{ type: "function", name: "f", parameters: {} }],
    tool_choice: { type: "function", name: "f" },
    store: false,
    previous_response_id: null,
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text: "look" },
          { type: "input_image", image_url: "data:x" },
        ],
      },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: "42" },
    ],
  };
  expect(read(chatLine("/v1/responses", body))).toMatchObject({
    endpoint: "/v1/responses",
    chat: {
      messages: [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image_url", image_url: { url: "data:x" } },
          ],
        },
        { role: "assistant", content: null, toolCalls: [{ id: "c", name: "f", arguments: "{}" }] },
        { role: "tool", toolCallId: "c", content: "42" },
      ],
      maxTokens: 50,
      responseFormat: { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } },
      tools: [{ type: "function", function: { name: "f", parameters: {} } }],
      toolChoice: { type: "function", function: { name: "f" } },
      extra: { store: false, reasoning_effort: "low" },
    },
  });
  expect(read(chatLine("/v1/responses", { input: "hi" }))).toMatchObject({ chat: { messages } });
  const stateful = { input: [{ type: "item_reference", id: "x" }], previous_response_id: "r" };
  expect(read(chatLine("/v1/responses", stateful))).toContain('"previous_response_id" has no counterpart');
});

test("a line of Anthropic's batch format is translated", () => {
  const params = {
    model: "claude-x",
    max_tokens: 10,
    system: [{ type: "text", text: "be brief" }],
    stop_sequences: ["END"],
    metadata: { user_id: "u" },
    top_k: 3,
    tools: [{ name: "f", description: "d", input_schema: { type: "object" } }],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "look" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "QUJD" } },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "SIG" },
          { type: "tool_use", id: "t", name: "f", input: { x: 1 } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t", content: "42" },
          { type: "text", text: "go" },
        ],
      },
    ],
  };
  expect(read({ custom_id: "a", params })).toMatchObject({
    customId: "a",
    model: { name: "anthropic/claude-x" },
    endpoint: "/v1/chat/completions",
    chat: {
      messages: [
        { role: "system", content: [{ type: "text", text: "be brief" }] },
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image_url", image_url: { url: "data:image/png;base64,QUJD" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          toolCalls: [{ id: "t", name: "f", arguments: '{"x":1}' }],
          extra: { reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "SIG" }] },
        },
        { role: "tool", toolCallId: "t", content: "42" },
        { role: "user", content: [{ type: "text", text: "go" }] },
      ],
      maxTokens: 10,
      stop: ["END"],
      user: "u",
      toolChoice: "required",
      tools: [{ type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } }],
      extra: { top_k: 3, parallel_tool_calls: false },
    },
  });
  const document = { ...params, messages: [{ role: "user", content: [{ type: "document", source: {} }] }] };
  expect(read({ custom_id: "a", params: document })).toContain('"messages[0].content[0]" has no counterpart');
  expect(read({ custom_id: "a", params }, "gw/m")).toMatchObject({ model: { name: "gw/m" } });
});

test.each([
  { taskType: "RETRIEVAL_QUERY", outputDimensionality: 8 },
  { task_type: "RETRIEVAL_QUERY", output_dimensionality: 8 },
])("an embedding of Gemini's batch format is translated: %j", (fields) => {
  const request = { content: { parts: [{ text: "hi" }] }, ...fields };
  const expected = {
    ...{ customId: "a", endpoint: "/v1/embeddings" },
    embedding: { inputs: ["hi"], dimensions: 8, options: { task_type: "RETRIEVAL_QUERY" } },
  };
  expect(read({ key: "a", request }, "gemini/gemini-embedding-001")).toMatchObject(expected);
  expect(read({ key: "a", request: { ...request, model: "models/gemini-embedding-001" } })).toMatchObject(expected);
});

test.each([
  [{ content: { parts: [{ text: "a" }, { text: "b" }] } }, '"request.content" must have one part, which has a "text"'],
  [{ content: { parts: [{ inlineData: {} }] } }, '"request.content" must have one part, which has a "text"'],
  [{ content: "hi" }, '"request.content" must have one part, which has a "text"'],
  [
    { content: { parts: [{ text: "a" }] }, autoTruncate: true },
    '"request.autoTruncate" has no counterpart in an embedding request',
  ],
])("an embedding of Gemini's batch format without a translation is refused: %j", (request, problem) => {
  expect(read({ key: "a", request }, "gemini/gemini-embedding-001")).toContain(problem);
});

test("a line of Gemini's batch format is translated", () => {
  const request = {
    systemInstruction: { parts: [{ text: "be brief" }] },
    generationConfig: { maxOutputTokens: 9, topK: 2, candidateCount: 2, responseMimeType: "application/json" },
    tools: [{ functionDeclarations: [{ name: "f", parameters: {} }] }],
    contents: [
      { role: "user", parts: [{ text: "hi" }] },
      { role: "model", parts: [{ functionCall: { name: "f", args: { x: 1 } } }] },
      { role: "user", parts: [{ functionResponse: { name: "f", response: { y: 2 } } }] },
    ],
  };
  expect(read({ key: "a", request }, "gw/m")).toMatchObject({
    customId: "a",
    chat: {
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "hi" },
        { role: "assistant", content: null, toolCalls: [{ id: "f", name: "f", arguments: '{"x":1}' }] },
        { role: "tool", toolCallId: "f", content: '{"y":2}' },
      ],
      maxTokens: 9,
      responseFormat: { type: "json_object" },
      extra: { top_k: 2, n: 2 },
    },
  });
  expect(read({ key: "a", request: { ...request, cachedContent: "x" } }, "gw/m")).toContain(
    '"request.cachedContent" has no counterpart in a chat completion',
  );
  expect(read({ key: "a", request })).toContain("no model");
});

const moderation = (body: object) => ({ custom_id: "m", method: "POST", url: "/v1/moderations", body });

test.each([
  ["a text", "x", ["x"]],
  ["texts", ["x", "y"], ["x", "y"]],
  ["parts, which have one result together", [{ type: "text", text: "x" }], [[{ type: "text", text: "x" }]]],
])("a moderation of %s", (_, input, contents) => {
  expect(new BatchRequestReader("openai", createRegistry()).read(moderation({ input }))).toMatchObject({
    endpoint: "/v1/moderations",
    model: { name: "openai/omni-moderation-latest" },
    chat: { operation: "moderation", messages: contents.map((content) => ({ role: "user", content })) },
  });
});

test.each([
  [{ input: [] }, '"input" must be a text, a list of texts, or a list of parts'],
  [{ input: "x", model: "anthropic/claude-sonnet-4-6" }, '"url" is for moderation, which anthropic does not offer'],
])("the moderation %j is refused", (body, problem) => {
  expect(new BatchRequestReader(undefined, createRegistry()).read(moderation(body))).toContain(problem);
});
