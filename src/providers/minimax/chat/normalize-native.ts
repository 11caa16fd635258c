import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { readUsage } from "#src/providers/openai-compatible/chat/chat-parts.ts";

/**
 * `chatcompletion` in the common form. The `delta` of a chunk is a string, and the last chunk contains the complete
 * text in `reply`. A complete answer contains it in `reply` and in its choice.
 */
export function normalizeText(body: JsonObject): JsonObject {
  const choice = findFirstChoice(body);
  if (!choice) return body;
  const delta = readText(choice, "delta");
  const complete = readText(body, "reply") ?? readText(choice, "text");
  const isClosing =
    complete !== undefined ||
    readUsage(body.usage) !== undefined ||
    (readText(choice, "finish_reason") !== undefined && delta === undefined);
  return withChoice(
    body,
    choice,
    { content: delta },
    isClosing ? { content: complete ?? readEmptyReply(body) } : undefined,
  );
}

/**
 * `chatcompletion_pro` in the common form. The messages of a chunk are deltas while `reply` is empty. The last chunk and
 * a complete answer contain usage, and the complete text in `reply` and in their messages.
 */
export function normalizePro(body: JsonObject): JsonObject {
  const choice = findFirstChoice(body);
  const list = readField(choice, "messages");
  const messages = Array.isArray(list) ? list.filter(isObject) : [];
  // Messages of other senders are intermediate output of plugins and functions.
  const answers = messages.filter(
    ({ sender_type: sender, text }) => (sender === "BOT" || sender === undefined) && typeof text === "string",
  );
  const texts = answers.map((message) => readText(message, "text") ?? "");
  const text = texts.join("");
  const { sender_type: _, sender_name: __, text: ___, function_call: ____, ...others } = Object.assign({}, ...answers);
  const called = body.function_call ?? messages.map((message) => message.function_call).find(isObject);
  const calls = toToolCalls(called);
  if (!choice && calls.length === 0) return body;
  const reply = readText(body, "reply") ?? "";
  if (reply === "" && readUsage(body.usage) === undefined)
    return withChoice(body, choice, { ...others, content: texts.length > 0 ? text : undefined, tool_calls: calls });
  // Of several messages, `reply` contains only the last one.
  const longer = text.length > reply.length ? text : reply;
  const content = longer === "" && texts.length === 0 ? readEmptyReply(body) : longer;
  return withChoice(body, choice, undefined, { ...others, content, tool_calls: calls });
}

/** An explicitly empty answer, as opposed to a missing one. */
function readEmptyReply({ reply }: JsonObject): "" | undefined {
  return reply === "" ? "" : undefined;
}

/** Choice 0 wherever it is in the list; undefined without choices. */
function findFirstChoice({ choices }: JsonObject): JsonObject | undefined {
  if (!Array.isArray(choices)) return undefined;
  const objects = choices.filter(isObject);
  return objects.find(({ index }) => index === 0) ?? objects[0];
}

function withChoice(
  body: JsonObject,
  choice: JsonObject | undefined,
  delta?: JsonObject,
  message?: JsonObject,
): JsonObject {
  const { index: _, text: __, messages: ___, ...others } = choice ?? {};
  return {
    ...body,
    object: message ? "chat.completion" : "chat.completion.chunk",
    choices: [{ ...others, finish_reason: readText(choice, "finish_reason"), delta, message }],
  };
}

/** At most one function per answer, without an id. */
function toToolCalls(call: unknown): readonly JsonObject[] {
  const name = readText(call, "name");
  if (name === undefined) return [];
  return [{ id: `call_${name}`, function: { name, arguments: readField(call, "arguments") ?? "{}" } }];
}
