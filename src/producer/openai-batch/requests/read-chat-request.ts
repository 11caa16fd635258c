import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { ChatMessage, ChatRequest, ContentPart, ToolCall } from "#src/providers/provider.ts";
import { describeValue, FieldReader } from "./read-fields.ts";

/** What a body asks of which model, or all that is wrong with it. Problems quote no text of the request. */
export type ReadChatResult =
  | { readonly model: string | undefined; readonly request: ChatRequest }
  | { readonly problems: readonly string[] };

const ROLES: Readonly<Record<string, ChatMessage["role"]>> = {
  system: "system",
  // OpenAI's newer name for the same.
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
};

/** Parameters that ask for something no answer of ours could hold. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  functions: 'is not supported; use "tools"',
  function_call: 'is not supported; use "tool_choice"',
  audio: "is not supported",
  stream_options: "is not supported: answers are not streamed here",
};

/**
 * Reads the body of a chat completion in OpenAI's form. Fields that are not OpenAI's, or that we do not model, pass to
 * the provider as they are.
 */
export function readChatRequest(body: JsonObject): ReadChatResult {
  const fields = new FieldReader(body);
  rejectUnsupported(fields);
  const model = fields.text("model");
  const limits = [fields.integer("max_completion_tokens", 1), fields.integer("max_tokens", 1)];
  const messages = readMessages(fields);
  const known = {
    maxTokens: limits.find((limit) => limit !== undefined),
    temperature: fields.number("temperature"),
    topP: fields.number("top_p"),
    stop: readStop(fields),
    seed: fields.integer("seed", Number.MIN_SAFE_INTEGER),
    user: fields.text("user"),
    tools: fields.list("tools"),
    toolChoice: fields.value("tool_choice"),
    responseFormat: fields.object("response_format"),
  };
  const extra = fields.unreadFields().map((name) => [name, body[name]] as const);
  if (fields.problems.length > 0) return { problems: fields.problems };
  const request: ChatRequest = {
    messages,
    ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as Partial<ChatRequest>),
    ...(extra.length > 0 && { extra: Object.fromEntries(extra) }),
  };
  return { model, request };
}

function rejectUnsupported(fields: FieldReader): void {
  if ((fields.value("stream") ?? false) !== false)
    fields.addProblem("stream", "must be false or left out: a batch holds whole answers");
  if ((fields.value("n") ?? 1) !== 1) fields.addProblem("n", "must be 1: every request is one answer");
  for (const [name, why] of Object.entries(UNSUPPORTED))
    if (fields.value(name) !== undefined) fields.addProblem(name, why);
  const modalities = fields.list("modalities");
  if (modalities?.some((modality) => modality !== "text"))
    fields.addProblem("modalities", 'must be ["text"] or left out');
}

function readStop(fields: FieldReader): readonly string[] | undefined {
  const stop = fields.value("stop");
  if (stop === undefined) return undefined;
  const texts = Array.isArray(stop) ? stop : [stop];
  if (texts.every((text) => typeof text === "string")) return texts;
  fields.addProblem("stop", "must be a string or a list of strings");
  return undefined;
}

function readMessages(fields: FieldReader): ChatMessage[] {
  const messages = fields.list("messages");
  if (messages === undefined || messages.length === 0) {
    if (fields.problems.every((problem) => !problem.startsWith('"messages"')))
      fields.addProblem("messages", "must be a list of at least one message");
    return [];
  }
  return messages.flatMap((message, index) => {
    if (!isObject(message)) {
      fields.addProblem(`messages[${index}]`, `must be an object, not ${describeValue(message)}`);
      return [];
    }
    const reader = new FieldReader(message, `messages[${index}].`);
    const read = readMessage(reader);
    fields.problems.push(...reader.problems);
    return read ? [read] : [];
  });
}

function readMessage(fields: FieldReader): ChatMessage | undefined {
  const given = fields.text("role");
  const role = given === undefined || !Object.hasOwn(ROLES, given) ? undefined : ROLES[given];
  if (role === undefined) fields.addProblem("role", `must be one of ${Object.keys(ROLES).join(", ")}`);
  const toolCalls = readToolCalls(fields);
  const content = readContent(fields, role === "assistant" && toolCalls !== undefined);
  const toolCallId = fields.text("tool_call_id");
  if (role === "tool" && toolCallId === undefined)
    fields.addProblem("tool_call_id", "is missing: it says which call the message answers");
  const name = fields.text("name");
  const reasoning = fields.text("reasoning_content") ?? fields.text("reasoning");
  fields.value("refusal");
  for (const other of fields.unreadFields()) fields.addProblem(other, "is not supported");
  if (role === undefined || content === undefined) return undefined;
  return {
    role,
    content,
    ...(name !== undefined && { name }),
    ...(toolCalls && { toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
    ...(reasoning !== undefined && { reasoning }),
  };
}

/** Undefined when it is not there or wrong; null only where tool calls stand in its place. */
function readContent(fields: FieldReader, canBeNull: boolean): ChatMessage["content"] | undefined {
  const content = fields.value("content");
  if (typeof content === "string") return content;
  if (content === undefined) {
    if (canBeNull) return null;
    fields.addProblem("content", "is missing");
    return undefined;
  }
  const isPart = (part: unknown): part is ContentPart => isObject(part) && typeof part.type === "string";
  if (Array.isArray(content) && content.length > 0 && content.every(isPart)) return content;
  fields.addProblem("content", 'must be a string or a list of parts that have a "type"');
  return undefined;
}

function readToolCalls(fields: FieldReader): readonly ToolCall[] | undefined {
  const calls = fields.list("tool_calls");
  if (calls === undefined || calls.length === 0) return undefined;
  const read = calls.flatMap((call) => {
    const { id, function: fn } = isObject(call) ? call : {};
    if (typeof id !== "string" || !isObject(fn)) return [];
    const { name, arguments: text } = fn;
    return typeof name === "string" && typeof text === "string" ? [{ id, name, arguments: text }] : [];
  });
  if (read.length === calls.length) return read;
  fields.addProblem("tool_calls", "must each have an id and a function with a name and arguments as text");
  return undefined;
}
