import { FunctionCallingConfigMode, GoogleGenAI, ThinkingLevel } from "@google/genai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SIMULATOR_API_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterEach(() => simulator.configure({ faults: [], limits: { requestsPerWindow: null } }));
afterAll(() => simulator.close());

const open = (apiKey = SIMULATOR_API_KEY) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: simulator.geminiUrl } }).models;

const ASK = { model: "gemini-2.5-flash", contents: "12 + 30" };
const TOOLS = [
  {
    functionDeclarations: [
      { name: "weather", parametersJsonSchema: { type: "object", properties: { text: { type: "string" } } } },
    ],
  },
];

describe("Google's own client", () => {
  it("gets the same answer with and without streaming", async () => {
    const whole = await open().generateContent(ASK);
    expect(whole.text).toBe("12 + 30 = 42\n#### 42");
    expect(whole.candidates?.[0]?.finishReason).toBe("STOP");
    expect(whole.usageMetadata?.totalTokenCount).toBeGreaterThan(0);
    const texts: string[] = [];
    for await (const chunk of await open().generateContentStream(ASK)) texts.push(chunk.text ?? "");
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join("")).toBe(whole.text);
  });

  it("goes through a conversation with a function, whose thought signature must come back", async () => {
    const model = "gemini-3.5-flash";
    const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } };
    const called = await open().generateContent({ ...ASK, model, config: { tools: TOOLS, toolConfig } });
    expect(called.functionCalls).toMatchObject([{ name: "weather", args: { text: "12 + 30" } }]);
    const content = called.candidates?.[0]?.content ?? {};
    const question = { role: "user", parts: [{ text: "12 + 30" }] };
    const result = { role: "user", parts: [{ functionResponse: { name: "weather", response: { output: "1 + 1" } } }] };
    const answer = await open().generateContent({
      model,
      contents: [question, content, result],
      config: { tools: TOOLS },
    });
    expect(answer.text).toBe("1 + 1 = 2\n#### 2");
    const unsigned = { role: "model", parts: [{ functionCall: { name: "weather", args: { text: "12 + 30" } } }] };
    await expect(open().generateContent({ model, contents: [question, unsigned, result] })).rejects.toThrow(
      /missing a thought_signature/,
    );
  });

  it("gets thoughts and structured output", async () => {
    const config = {
      thinkingConfig: { includeThoughts: true, thinkingLevel: ThinkingLevel.LOW },
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object", properties: { answer: { type: "string" } } },
    };
    const response = await open().generateContent({ ...ASK, model: "gemini-3.5-flash", config });
    expect(response.text).toBe('{"answer":"12 + 30"}');
    expect(response.candidates?.[0]?.content?.parts?.[0]).toMatchObject({ thought: true });
    expect(response.usageMetadata?.thoughtsTokenCount).toBeGreaterThan(0);
  });

  it("gets embeddings, shortened without being normalized", async () => {
    const model = "gemini-embedding-001";
    const { embeddings = [] } = await open().embedContent({ model, contents: ["a cat", "a dog"] });
    expect(embeddings.map(({ values }) => values?.length)).toEqual([3072, 3072]);
    const config = { taskType: "RETRIEVAL_QUERY", outputDimensionality: 768 };
    const short = await open().embedContent({ model, contents: "a cat", config });
    const values = short.embeddings?.[0]?.values ?? [];
    expect(values).toEqual(embeddings[0]?.values?.slice(0, 768));
    expect(Math.hypot(...values)).toBeLessThan(0.9);
    const many = Array.from({ length: 101 }, () => "x");
    await expect(open().embedContent({ model, contents: many })).rejects.toThrow(/at most 100 requests/);
  });

  it("gets the errors of Google's APIs", async () => {
    await expect(open("wrong").generateContent(ASK)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("API_KEY_INVALID"),
    });
    await expect(open().generateContent({ ...ASK, model: "gpt-4o" })).rejects.toMatchObject({ status: 404 });
    simulator.configure({ faults: [{ action: { type: "code", code: 503 } }] });
    await expect(open().generateContent(ASK)).rejects.toMatchObject({ status: 503 });
    simulator.configure({ faults: [], limits: { requestsPerWindow: 1 } });
    await expect(Promise.all([open().generateContent(ASK), open().generateContent(ASK)])).rejects.toMatchObject({
      status: 429,
      message: expect.stringContaining("retryDelay"),
    });
  });

  it.each<[string, object, RegExp]>([
    ["a temperature above 2", { temperature: 3 }, /temperature/],
    ["a schema for plain text", { responseJsonSchema: { type: "object" } }, /requires response_mime_type/],
    ["a budget and a level", { thinkingConfig: { thinkingBudget: 1, thinkingLevel: "LOW" } }, /only one of/],
    ["six stop sequences", { stopSequences: ["a", "b", "c", "d", "e", "f"] }, /stopSequences/],
  ])("is refused with %s", async (_, config, message) => {
    await expect(open().generateContent({ ...ASK, config })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(message),
    });
  });
});
