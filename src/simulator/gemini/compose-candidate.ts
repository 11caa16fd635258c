import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { sampleSchema } from "#src/simulator/answers/sample-schema.ts";
import { answerPrompt, splitAnswer } from "#src/simulator/chat/answer-prompt.ts";
import { signThought, versionOf } from "./content-rules.ts";
import type { GenerateRequest } from "./request-schema.ts";

export type AnswerPart = Readonly<Record<string, unknown>>;

export interface ComposedCandidate {
  /** The parts of the answer, as a stream sends them. */
  readonly parts: readonly AnswerPart[];
  readonly finishReason: string;
  readonly textTokens: number;
  readonly thoughtTokens: number;
}

/** The text that the simulated model answers: that of the last turn, or the result of its functions. */
export function readGeminiPrompt({ contents }: GenerateRequest): string {
  const texts = contents.at(-1)?.parts.map(({ text, functionResponse }) => text ?? readOutput(functionResponse)) ?? [];
  return texts.filter((text) => text !== "").at(-1) ?? "";
}

function readOutput(result: { readonly response: Readonly<Record<string, unknown>> } | undefined): string {
  if (!result) return "";
  const { output } = result.response;
  return typeof output === "string" ? output : JSON.stringify(result.response);
}

const THOUGHT = "I read the question and look for numbers.";

/** The deterministic answer to a valid request. Thoughts count against `maxOutputTokens`. */
export function composeCandidate(model: string, request: GenerateRequest): ComposedCandidate {
  const prompt = readGeminiPrompt(request);
  const config = request.generationConfig ?? {};
  const { includeThoughts = false, thinkingBudget } = config.thinkingConfig ?? {};
  const isThinking = thinkingBudget !== 0 && config.thinkingConfig !== undefined && versionOf(model) >= 2.5;
  const thoughtTokens = isThinking ? countTokens(THOUGHT) : 0;
  const thoughts = isThinking && includeThoughts ? splitAnswer(THOUGHT).map((text) => ({ text, thought: true })) : [];
  const name = readForcedFunction(request);
  if (name !== undefined) {
    const args = { text: prompt.slice(0, 40) };
    const call = { functionCall: { name, args }, thoughtSignature: signThought(JSON.stringify(args)) };
    return { parts: [...thoughts, call], finishReason: "STOP", textTokens: 12, thoughtTokens };
  }
  const isJson = config.responseMimeType === "application/json";
  const whole = isJson ? JSON.stringify(sampleSchema(config.responseJsonSchema ?? {}, prompt)) : answerPrompt(prompt);
  const room = (config.maxOutputTokens ?? Number.POSITIVE_INFINITY) - thoughtTokens;
  const pieces = truncate(whole, room);
  const text = pieces.join("");
  const signature = isThinking && text !== "" ? [{ text: "", thoughtSignature: signThought(text) }] : [];
  return {
    parts: [...thoughts, ...pieces.map((piece) => ({ text: piece })), ...signature],
    finishReason: text === whole ? "STOP" : "MAX_TOKENS",
    textTokens: text === "" ? 0 : countTokens(text),
    thoughtTokens,
  };
}

function readForcedFunction({ tools = [], toolConfig }: GenerateRequest): string | undefined {
  const { mode, allowedFunctionNames } = toolConfig?.functionCallingConfig ?? {};
  return mode === "ANY" ? (allowedFunctionNames?.[0] ?? tools[0]?.functionDeclarations[0]?.name) : undefined;
}

function truncate(text: string, maxTokens: number): string[] {
  let tokens = 0;
  const kept: string[] = [];
  for (const piece of splitAnswer(text)) {
    tokens += countTokens(piece);
    if (tokens > maxTokens) break;
    kept.push(piece);
  }
  return kept;
}
