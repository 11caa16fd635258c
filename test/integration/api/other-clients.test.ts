import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { embedMany, generateText, jsonSchema, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
});
afterAll(() => api[Symbol.asyncDispose]());

const CHAT = "openai/gpt-4o-mini";
const EMBEDDING = "minimax/embo-01";
const PARAMETERS = { type: "object", properties: { text: { type: "string" } } } as const;

describe("the AI SDK", () => {
  const open = () => createOpenAICompatible({ name: "sluice", baseURL: api.baseUrl, includeUsage: true });

  it("generates, streams, and embeds", async () => {
    const model = open()(CHAT);
    const whole = await generateText({ model, prompt: "12 + 30", maxRetries: 0 });
    expect(whole.text).toBeTruthy();
    expect(whole.usage.totalTokens).toBeGreaterThan(0);
    const streamed = streamText({ model, prompt: "12 + 30", maxRetries: 0 });
    let text = "";
    for await (const delta of streamed.textStream) text += delta;
    expect(text).toBe(whole.text);
    expect((await streamed.usage).totalTokens).toBe(whole.usage.totalTokens);
    const { embeddings } = await embedMany({ model: open().embeddingModel(EMBEDDING), values: ["a", "b"] });
    expect(embeddings.map(({ length }) => length)).toEqual([1536, 1536]);
  });

  it("calls tools", async () => {
    const weather = tool({ description: "weather", inputSchema: jsonSchema<{ text?: string }>(PARAMETERS) });
    const { toolCalls } = await generateText({
      model: open()(CHAT),
      prompt: "12 + 30",
      tools: { weather },
      toolChoice: { type: "tool", toolName: "weather" },
    });
    expect(toolCalls[0]).toMatchObject({ toolName: "weather" });
  });
});

describe("LangChain.js", () => {
  const configuration = () => ({ baseURL: api.baseUrl });

  it("generates, streams, calls tools, and embeds", async () => {
    const chat = new ChatOpenAI({ model: CHAT, apiKey: "any", configuration: configuration(), maxRetries: 0 });
    const whole = await chat.invoke("12 + 30");
    expect(whole.content).toBeTruthy();
    let text = "";
    for await (const chunk of await chat.stream("12 + 30")) text += String(chunk.content);
    expect(text).toBe(whole.content);
    const weather = { type: "function" as const, function: { name: "weather", parameters: PARAMETERS } };
    const called = await chat.bindTools([weather], { tool_choice: "weather" }).invoke("12 + 30");
    expect(called.tool_calls?.[0]).toMatchObject({ name: "weather" });
    const embeddings = new OpenAIEmbeddings({ model: EMBEDDING, apiKey: "any", configuration: configuration() });
    const vectors = await embeddings.embedDocuments(["a", "b"]);
    expect(vectors.map(({ length }) => length)).toEqual([1536, 1536]);
  });
});
