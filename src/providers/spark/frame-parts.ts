import { isObject, type JsonObject, readCount, readField, readObject } from "#src/providers/json-value.ts";
import type { Usage } from "#src/providers/provider.ts";

export interface FunctionCall {
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
}

export interface FramePieces {
  readonly content: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
}

/** What `payload.choices.text` holds; undefined when it is not a list of objects whose contents are text. */
export function readPieces(list: unknown): FramePieces | undefined {
  if (!Array.isArray(list)) return undefined;
  let content = "";
  let reasoning = "";
  let call: FunctionCall | undefined;
  for (const piece of list) {
    const text = readOptionalText(piece, "content");
    const thought = readOptionalText(piece, "reasoning_content");
    if (!isObject(piece) || text === undefined || thought === undefined) return undefined;
    content += text;
    reasoning += thought;
    call = readCall(readObject(piece, "function_call")) ?? call;
  }
  return { content, reasoning, call };
}

function readCall(call: JsonObject | undefined): FunctionCall | undefined {
  const name = readOptionalText(call, "name");
  const text = readOptionalText(call, "arguments");
  return call && name !== undefined && text !== undefined ? { name, arguments: text } : undefined;
}

/** Text, "" when the field is absent or null; undefined when it is something else. */
function readOptionalText(value: unknown, field: string): string | undefined {
  const found = readField(value, field) ?? "";
  return typeof found === "string" ? found : undefined;
}

/** `prompt_tokens` counts the history as well; `question_tokens`, the last question alone, has no place in Usage. */
export function readSparkUsage(tokens: JsonObject | undefined): Usage | undefined {
  if (!tokens) return undefined;
  const inputTokens = readCount(tokens, "prompt_tokens");
  const outputTokens = readCount(tokens, "completion_tokens");
  const totalTokens = readCount(tokens, "total_tokens");
  return {
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(totalTokens !== undefined && { totalTokens }),
  };
}
