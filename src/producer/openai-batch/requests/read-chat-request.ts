import { omitUndefined } from "#src/core/omit-undefined.ts";
import { FIELD_PROBLEMS } from "#src/producer/openai-batch/problems.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import { pickExtraCallFields } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatMessage, ChatRequest, ContentPart, ToolCall } from "#src/providers/provider.ts";
import { describeValue, FieldReader } from "./read-fields.ts";

/** A request and the model it names, or all problems of the body. Problems quote no text of the request. */
export type ReadChatResult =
  | { readonly model: string | undefined; readonly request: ChatRequest }
  | { readonly problems: readonly string[] };

const ROLES: Readonly<Record<string, ChatMessage["role"]>> = {
  system: "system",
  // OpenAI's newer name for "system".
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
};

/** Parameters that request something an answer cannot contain. */
const UNSUPPORTED_PARAMETERS: Readonly<Record<string, string>> = {
  functions: FIELD_PROBLEMS.functions,
  function_call: FIELD_PROBLEMS.functionCall,
  audio: FIELD_PROBLEMS.unsupported,
  stream_options: FIELD_PROBLEMS.streamOptions,
};

/** OpenAI's limit of `n`. */
const MAX_CHOICES = 128;

/**
 * Reads the body of a chat completion in OpenAI's format. Fields that OpenAI does not define, or that `ChatRequest`
 * does not model, are passed to the provider unchanged, those of messages too.
 */
export function readChatRequest(body: JsonObject): ReadChatResult {
  const fields = new FieldReader(body);
  rejectUnsupported(fields);
  const model = fields.text("model");
  const newLimit = fields.integer("max_completion_tokens", 1);
  const limit = fields.integer("max_tokens", 1);
  const messages = readMessages(fields);
  const known = {
    maxTokens: newLimit ?? limit,
    temperature: fields.number("temperature"),
    topP: fields.number("top_p"),
    stop: readStop(fields),
    seed: fields.integer("seed", Number.MIN_SAFE_INTEGER),
    user: fields.text("user"),
    tools: fields.list("tools"),
    toolChoice: fields.value("tool_choice"),
    responseFormat: fields.object("response_format"),
  };
  const choices = fields.integer("n", 1) ?? 1;
  if (choices > MAX_CHOICES) fields.addProblem("n", FIELD_PROBLEMS.choices(MAX_CHOICES));
  const others = fields.unreadFields();
  if (fields.problems.length > 0) return { problems: fields.problems };
  if (choices > 1) others.push("n");
  // Says that the request used this name; see `omitCommonFields`.
  if (newLimit !== undefined) others.push("max_completion_tokens");
  const extra = others.length > 0 ? Object.fromEntries(others.map((name) => [name, body[name]])) : undefined;
  return { model, request: omitUndefined({ messages, ...known, extra }) };
}

function rejectUnsupported(fields: FieldReader): void {
  if ((fields.value("stream") ?? false) !== false) fields.addProblem("stream", FIELD_PROBLEMS.stream);
  for (const [name, problem] of Object.entries(UNSUPPORTED_PARAMETERS))
    if (fields.value(name) !== undefined) fields.addProblem(name, problem);
  const modalities = fields.list("modalities");
  if (modalities?.some((modality) => modality !== "text")) fields.addProblem("modalities", FIELD_PROBLEMS.modalities);
}

function readStop(fields: FieldReader): readonly string[] | undefined {
  const stop = fields.value("stop");
  if (stop === undefined) return undefined;
  const texts = Array.isArray(stop) ? stop : [stop];
  if (texts.every((text) => typeof text === "string")) return texts;
  fields.addProblem("stop", FIELD_PROBLEMS.stop);
  return undefined;
}

function readMessages(fields: FieldReader): ChatMessage[] {
  const messages = fields.list("messages");
  if (messages === undefined || messages.length === 0) {
    if (fields.problems.every((problem) => !problem.startsWith('"messages"')))
      fields.addProblem("messages", FIELD_PROBLEMS.noMessages);
    return [];
  }
  return messages.flatMap((message, index) => {
    if (!isObject(message)) {
      fields.addProblem(`messages[${index}]`, FIELD_PROBLEMS.wrongType("an object", describeValue(message)));
      return [];
    }
    const reader = new FieldReader(message, `messages[${index}].`);
    const read = readMessage(reader);
    fields.problems.push(...reader.problems);
    return read ? [read] : [];
  });
}

function readMessage(fields: FieldReader): ChatMessage | undefined {
  const roleName = fields.text("role");
  const role = roleName === undefined || !Object.hasOwn(ROLES, roleName) ? undefined : ROLES[roleName];
  if (role === undefined) fields.addProblem("role", FIELD_PROBLEMS.notOneOf(Object.keys(ROLES)));
  const toolCalls = readToolCalls(fields);
  const content = readContent(fields, role === "assistant" && (toolCalls !== undefined || fields.isNull("content")));
  const toolCallId = fields.text("tool_call_id");
  if (role === "tool" && toolCallId === undefined) fields.addProblem("tool_call_id", FIELD_PROBLEMS.toolCallId);
  const name = fields.text("name");
  const reasoning = fields.text("reasoning_content") ?? fields.text("reasoning");
  const others = fields.unreadFields();
  if (role === undefined || content === undefined) return undefined;
  const extra = others.length > 0 ? Object.fromEntries(others.map((other) => [other, fields.value(other)])) : undefined;
  return omitUndefined({ role, content, name, toolCalls, toolCallId, reasoning, extra });
}

/** Returns undefined for missing or invalid content; null for an answer that explicitly has none, or tool calls instead. */
function readContent(fields: FieldReader, canBeNull: boolean): ChatMessage["content"] | undefined {
  const content = fields.value("content");
  if (typeof content === "string") return content;
  if (content === undefined) {
    if (canBeNull) return null;
    fields.addProblem("content", FIELD_PROBLEMS.missing);
    return undefined;
  }
  const isPart = (part: unknown): part is ContentPart => isObject(part) && typeof part.type === "string";
  if (Array.isArray(content) && content.length > 0 && content.every(isPart)) return content;
  fields.addProblem("content", FIELD_PROBLEMS.content);
  return undefined;
}

function readToolCalls(fields: FieldReader): readonly ToolCall[] | undefined {
  const calls = fields.list("tool_calls");
  if (calls === undefined || calls.length === 0) return undefined;
  const read = calls.flatMap((call) => {
    const { id, function: fn, ...others } = isObject(call) ? call : {};
    if (typeof id !== "string") return [];
    const extra = pickExtraCallFields(others);
    // A call of another type, such as "custom", has no function.
    if (fn === undefined && typeof extra?.type === "string") return [{ id, name: "", arguments: "", extra }];
    if (!isObject(fn)) return [];
    const { name, arguments: text } = fn;
    if (typeof name !== "string" || typeof text !== "string") return [];
    return [omitUndefined({ id, name, arguments: text, extra })];
  });
  if (read.length === calls.length) return read;
  fields.addProblem("tool_calls", FIELD_PROBLEMS.toolCalls);
  return undefined;
}
