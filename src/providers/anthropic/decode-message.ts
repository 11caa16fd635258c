import { ProviderError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject, readCount, readField, readObject, readText } from "#src/providers/json-value.ts";
import { findMissingAnswer } from "#src/providers/openai-compatible/check-answer.ts";
import { collectExtra } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatResponse, FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { readAnthropicRequestId } from "./classify-error.ts";
import { ANTHROPIC_NAME } from "./profile.ts";

const FINISH_REASONS: Readonly<Record<string, FinishReason["unified"]>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "content-filter",
};

const KNOWN_FIELDS = new Set(["id", "type", "role", "model", "content", "stop_reason", "usage"]);
/** Fields that concern the end of the answer, as OpenAI's choice does. */
const CHOICE_FIELDS = new Set(["stop_sequence", "stop_details"]);
/** Block types with a place of their own in ChatResponse. */
const NAMED_BLOCKS = new Set(["text", "thinking", "redacted_thinking", "tool_use"]);
const TOOL_USE_FIELDS = new Set(["type", "id", "name", "input"]);

/** The answer in a complete message. Throws `bad-response` if it is none. */
export function decodeMessage(message: JsonObject, head: ResponseHead): ChatResponse {
  const requestId = readAnthropicRequestId(message, head) ?? readText(message, "id");
  const fail = (problem: string): never => {
    throw new ProviderError(problem, {
      kind: "bad-response",
      provider: ANTHROPIC_NAME,
      status: head.status,
      requestId,
    });
  };
  const blocks = readBlocks(message) ?? fail("the content of the message is not a list of blocks");
  const raw = readText(message, "stop_reason") ?? fail("the message has no stop reason");
  const usage = readField(message, "usage");
  const toolCalls = blocks.filter(({ type }) => type === "tool_use").map(toToolCall);
  const refusal = raw === "refusal" ? readText(readField(message, "stop_details"), "explanation") : undefined;
  const response: ChatResponse = {
    text: joinTexts(blocks, "text", "text"),
    reasoning: joinTexts(blocks, "thinking", "thinking") || undefined,
    refusal,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: { unified: Object.hasOwn(FINISH_REASONS, raw) ? (FINISH_REASONS[raw] ?? "other") : "other", raw },
    usage: readUsage(usage),
    model: readText(message, "model"),
    requestId,
    extra: collectExtra({
      body: pickFields(message, (name) => !KNOWN_FIELDS.has(name) && !CHOICE_FIELDS.has(name)),
      choice: pickFields(message, (name) => CHOICE_FIELDS.has(name)),
      message: Object.entries(
        omitUndefined({ reasoning_details: decodeReasoning(blocks), content: keepBlocks(blocks) }),
      ),
      logprobs: undefined,
      usage: isObject(usage) ? Object.fromEntries(pickFields(usage, () => true)) : undefined,
    }),
  };
  const missing = findMissingAnswer(response, isEmptyAnswer(blocks, response.usage));
  return missing === undefined ? response : fail(missing);
}

/** Tokens of an answer without content. An empty list with more tokens has lost its blocks. */
const MAX_EMPTY_TOKENS = 4;

/** Claude answers with an empty list when it has nothing to add, for example to the results of tools. */
function isEmptyAnswer(blocks: readonly JsonObject[], { outputTokens }: Usage): boolean {
  return blocks.length === 0 && outputTokens !== undefined && outputTokens <= MAX_EMPTY_TOKENS;
}

function readBlocks(message: JsonObject): readonly JsonObject[] | undefined {
  const content = readField(message, "content");
  if (!Array.isArray(content)) return undefined;
  const blocks = content.filter((block) => isObject(block) && typeof block.type === "string");
  return blocks.length === content.length ? blocks : undefined;
}

function joinTexts(blocks: readonly JsonObject[], type: string, field: string): string {
  return blocks.map((block) => (block.type === type ? (readText(block, field) ?? "") : "")).join("");
}

/** `input` is an object, or JSON text if the block was streamed. */
function toToolCall(block: JsonObject): ToolCall {
  const { input = {} } = block;
  const extra = pickFields(block, (name) => !TOOL_USE_FIELDS.has(name));
  return omitUndefined({
    id: readText(block, "id") ?? "",
    name: readText(block, "name") ?? "",
    arguments: typeof input === "string" ? input : JSON.stringify(input),
    extra: extra.length > 0 ? Object.fromEntries(extra) : undefined,
  });
}

/** The thinking blocks in the form that OpenRouter introduced; with their signatures, they can be sent back. */
export function decodeReasoning(blocks: readonly JsonObject[]): readonly JsonObject[] | undefined {
  const details = blocks.flatMap((block, index): JsonObject[] => {
    const { type, thinking: text, ...others } = block;
    const fields = { ...others, format: "anthropic-claude-v1", index };
    if (type === "redacted_thinking") return [{ type: "reasoning.encrypted", ...fields }];
    return type === "thinking" ? [{ type: "reasoning.text", text, ...fields }] : [];
  });
  return details.length > 0 ? details : undefined;
}

/** All blocks except calls, in their order, if any of them is more than text: citations, or server tools and their results. */
function keepBlocks(blocks: readonly JsonObject[]): readonly JsonObject[] | undefined {
  return blocks.some(isSpecial) ? blocks.filter(({ type }) => type !== "tool_use") : undefined;
}

function isSpecial({ type, text, citations, ...others }: JsonObject): boolean {
  if (type !== "text") return !NAMED_BLOCKS.has(String(type));
  const hasCitations = Array.isArray(citations) && citations.length > 0;
  return hasCitations || typeof text !== "string" || pickFields(others, () => true).length > 0;
}

function pickFields(source: JsonObject, isPicked: (name: string) => boolean): [string, unknown][] {
  return Object.entries(source).filter(
    ([name, value]) => isPicked(name) && value !== null && value !== undefined && name !== "__proto__",
  );
}

/** `input_tokens` does not contain the tokens that were read from the cache or written to it. */
function readUsage(usage: unknown): Usage {
  const cachedTokens = readCount(usage, "cache_read_input_tokens");
  const uncached = readCount(usage, "input_tokens");
  const outputTokens = readCount(usage, "output_tokens");
  const cacheWriteTokens = readCount(usage, "cache_creation_input_tokens");
  const inputTokens = uncached === undefined ? undefined : uncached + (cacheWriteTokens ?? 0) + (cachedTokens ?? 0);
  const isTotalKnown = inputTokens !== undefined && outputTokens !== undefined;
  return omitUndefined({
    inputTokens,
    outputTokens,
    totalTokens: isTotalKnown ? inputTokens + outputTokens : undefined,
    cachedTokens,
    cacheWriteTokens,
    reasoningTokens: readCount(readObject(usage, "output_tokens_details"), "thinking_tokens"),
  });
}
