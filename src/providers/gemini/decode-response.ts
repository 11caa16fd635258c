import { ProviderError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject, readCount, readField, readObject, readText } from "#src/providers/json-value.ts";
import { findMissingAnswer } from "#src/providers/openai-compatible/check-answer.ts";
import { collectExtra } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatResponse, FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { buildGeminiDetails } from "./classify-error.ts";
import { decodeLogprobs } from "./logprobs.ts";
import { GEMINI_FAILURES } from "./profile.ts";

const KNOWN_FIELDS = new Set(["candidates", "usageMetadata", "modelVersion", "responseId"]);
const KNOWN_CANDIDATE_FIELDS = new Set(["content", "finishReason", "index", "logprobsResult"]);
const KNOWN_PART_FIELDS = new Set(["text", "thought", "thoughtSignature"]);

/**
 * The answer in a complete response. A blocked prompt and a withdrawn answer are `content-filter`; a response without an
 * answer is `bad-response`.
 */
export function decodeGeminiResponse(body: JsonObject, head: ResponseHead, now: number): ChatResponse {
  const responseId = readText(body, "responseId");
  const details = buildGeminiDetails(head, now);
  const requestId = details.requestId ?? responseId;
  const fail = (message: string, kind: ProviderError["kind"] = "bad-response", code?: string): never => {
    throw new ProviderError(message, { ...details, requestId, kind, code });
  };
  const candidate = readFirstCandidate(body);
  const block = readText(readField(body, "promptFeedback"), "blockReason");
  if (block !== undefined && !candidate)
    return fail(`the content filter rejected the request (code ${block})`, "content-filter", block);
  const raw = readText(candidate, "finishReason") ?? fail("the response has no candidate with a finish reason");
  const failure = Object.hasOwn(GEMINI_FAILURES, raw) ? GEMINI_FAILURES[raw] : undefined;
  if (failure) return fail(`${failure.message} (finish reason ${raw})`, failure.kind, raw);
  const parts = readParts(candidate);
  const toolCalls = readCalls(parts, responseId);
  const usage = readField(body, "usageMetadata");
  const response: ChatResponse = {
    text: joinTexts(parts, false),
    reasoning: joinTexts(parts, true) || undefined,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: readFinishReason(raw, toolCalls),
    usage: readUsage(usage),
    model: readText(body, "modelVersion"),
    requestId,
    extra: collectExtra({
      body: pickFields(body, KNOWN_FIELDS),
      choice: pickFields(candidate ?? {}, KNOWN_CANDIDATE_FIELDS),
      message: readMessageFields(parts),
      logprobs: decodeLogprobs(readField(candidate, "logprobsResult")),
      usage: isObject(usage) ? Object.fromEntries(pickFields(usage, new Set())) : undefined,
    }),
  };
  const missing = findMissingAnswer(response, isExplicitlyEmpty(parts, usage));
  return missing === undefined ? response : fail(missing);
}

export function readFirstCandidate(body: JsonObject): JsonObject | undefined {
  const candidates = readField(body, "candidates");
  const first: unknown = Array.isArray(candidates) ? candidates[0] : undefined;
  return isObject(first) ? first : undefined;
}

export function readParts(candidate: unknown): readonly JsonObject[] {
  const parts = readField(readField(candidate, "content"), "parts");
  return Array.isArray(parts) ? parts.filter(isObject) : [];
}

/** Tokens of an answer without text. One with more tokens has lost them. */
const MAX_EMPTY_TOKENS = 4;

function isExplicitlyEmpty(parts: readonly JsonObject[], usage: unknown): boolean {
  const tokens = readCount(usage, "candidatesTokenCount") ?? 0;
  return parts.some(({ text, thought }) => text === "" && thought !== true) && tokens <= MAX_EMPTY_TOKENS;
}

function readFinishReason(raw: string, toolCalls: readonly ToolCall[]): FinishReason {
  if (raw === "MAX_TOKENS") return { unified: "length", raw };
  if (raw !== "STOP") return { unified: "other", raw };
  return { unified: toolCalls.length > 0 ? "tool-calls" : "stop", raw };
}

function joinTexts(parts: readonly JsonObject[], isThought: boolean): string {
  return parts.map((part) => ((part.thought === true) === isThought ? (readText(part, "text") ?? "") : "")).join("");
}

/** The calls among the parts. Older models send no ids, so one is made of the response's id. */
export function readCalls(parts: readonly JsonObject[], responseId = "call"): readonly ToolCall[] {
  const calls = parts.flatMap((part) => {
    const call = readObject(part, "functionCall");
    return call ? [{ part, call }] : [];
  });
  return calls.map(({ part, call }, index) => {
    const signature = readText(part, "thoughtSignature");
    return omitUndefined({
      id: readText(call, "id") ?? `${responseId}_${index}`,
      name: readText(call, "name") ?? "",
      arguments: JSON.stringify(readObject(call, "args") ?? {}),
      extra: signature === undefined ? undefined : { extra_content: toExtraContent(signature) },
    });
  });
}

function toExtraContent(signature: string) {
  return { google: { thought_signature: signature } };
}

/** The signature of a text, and the parts that are more than text. */
function readMessageFields(parts: readonly JsonObject[]): [string, unknown][] {
  const signature = parts
    .map((part) => (readObject(part, "functionCall") ? undefined : readText(part, "thoughtSignature")))
    .findLast((found) => found !== undefined);
  const fields: [string, unknown][] = [];
  if (signature !== undefined) fields.push(["extra_content", toExtraContent(signature)]);
  if (parts.some(isSpecial))
    fields.push(["content", parts.filter((part) => part.thought !== true).flatMap(decodePart)]);
  return fields;
}

function isSpecial(part: JsonObject): boolean {
  return readObject(part, "functionCall") === undefined && pickFields(part, KNOWN_PART_FIELDS).length > 0;
}

/** Images in OpenAI's form; other parts in Gemini's, with the name of their field as the type. */
function decodePart(part: JsonObject): JsonObject[] {
  if (readObject(part, "functionCall")) return [];
  const { text, thoughtSignature: _, ...others } = part;
  if (text !== undefined)
    return text === "" && Object.keys(others).length === 0 ? [] : [{ type: "text", text, ...others }];
  const { mimeType, data } = readObject(part, "inlineData") ?? {};
  if (/^image\//.test(String(mimeType)) && typeof data === "string")
    return [{ type: "image_url", image_url: { url: `data:${mimeType};base64,${data}` } }];
  return [{ type: Object.keys(others)[0], ...others }];
}

function pickFields(source: JsonObject, known: ReadonlySet<string>): [string, unknown][] {
  return Object.entries(source).filter(
    ([name, value]) => !known.has(name) && value !== null && value !== undefined && name !== "__proto__",
  );
}

/** Counts that are 0 are left out by Google's serializer; thoughts are not part of the candidates' tokens. */
function readUsage(usage: unknown): Usage {
  const total = readCount(usage, "totalTokenCount");
  const prompt = readCount(usage, "promptTokenCount");
  if (prompt === undefined) return omitUndefined({ totalTokens: total });
  const thoughts = readCount(usage, "thoughtsTokenCount");
  const inputTokens = prompt + (readCount(usage, "toolUsePromptTokenCount") ?? 0);
  const outputTokens = (readCount(usage, "candidatesTokenCount") ?? 0) + (thoughts ?? 0);
  return omitUndefined({
    inputTokens,
    outputTokens,
    totalTokens: total ?? inputTokens + outputTokens,
    cachedTokens: readCount(usage, "cachedContentTokenCount"),
    reasoningTokens: thoughts,
  });
}
