import { isObject, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { CONVERSATION_TEMPLATES } from "#src/providers/templates/conversation-templates.ts";
import { NATIVE_OUTPUT_TOKENS } from "./encode-text.ts";
import { invalidRequestError } from "./invalid-request-error.ts";
import { checkMessages, readPlainText, readSystemText, rejectParameters } from "./read-messages.ts";

const USER_NAME = "User";
const BOT_NAME = "Assistant";

/**
 * The body of `chatcompletion_pro`. The system text is the bot's setting, which may not be missing: without one, the
 * provider's usual system message stands there. Tools are functions, and messages carry their sender's name.
 */
export function encodeProRequest(model: string, request: ChatRequest, stream: boolean): Record<string, unknown> {
  const { messages, maxTokens, temperature, topP, tools, toolChoice, extra } = request;
  checkMessages(messages);
  rejectParameters(request, "chatcompletion_pro", ["stop", "seed", "responseFormat"]);
  const bots = readBots(messages, extra);
  const constraints = readObject(extra, "reply_constraints");
  const botName = readText(constraints, "sender_name") ?? readText(bots[0], "bot_name") ?? "";
  const functions = tools?.map(toFunction) ?? [];
  const body = {
    model,
    messages: messages.flatMap((message, index) => toSender(messages, message, index, botName)),
    tokens_to_generate: maxTokens ?? NATIVE_OUTPUT_TOKENS,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(functions.length > 0 && { functions }),
    ...(toolChoice !== undefined && { function_call: toFunctionCall(toolChoice) }),
    ...extra,
    bot_setting: bots,
    reply_constraints: { sender_type: "BOT", ...constraints, sender_name: botName },
    stream,
  };
  checkPro(body, constraints);
  return body;
}

function readBots(messages: readonly ChatMessage[], extra: ChatRequest["extra"]): readonly Record<string, unknown>[] {
  const system = readSystemText(messages);
  const given = extra?.bot_setting;
  if (given === undefined) {
    const bot_name = messages.find(({ role, name }) => role === "assistant" && name)?.name ?? BOT_NAME;
    return [{ bot_name, content: system ?? CONVERSATION_TEMPLATES.minimax?.systemMessage }];
  }
  const bots = Array.isArray(given) ? given.filter(isObject) : [];
  if (bots.length === 0 || bots.some((bot) => !readText(bot, "bot_name") || !readText(bot, "content")))
    throw invalidRequestError("bot_setting must be a list of bots, each with a bot_name and a content");
  if (system !== undefined)
    throw invalidRequestError(
      "a system message and a bot_setting of one's own exclude each other: put the text into one",
    );
  return bots;
}

function toSender(
  messages: readonly ChatMessage[],
  message: ChatMessage,
  index: number,
  botName: string,
): Record<string, unknown>[] {
  const text = readPlainText(message, index);
  switch (message.role) {
    case "system":
      return [];
    case "user":
      return [{ sender_type: "USER", sender_name: message.name ?? USER_NAME, text }];
    case "assistant":
      return [{ sender_type: "BOT", sender_name: message.name ?? botName, text, ...toCalled(message, index) }];
    case "tool":
      return [{ sender_type: "FUNCTION", sender_name: functionName(messages, message, index), text }];
  }
}

function toCalled({ toolCalls = [] }: ChatMessage, index: number) {
  const [call, ...others] = toolCalls;
  if (others.length > 0)
    throw invalidRequestError(
      `message ${index} calls ${toolCalls.length} tools: chatcompletion_pro knows one per message`,
    );
  return call && { function_call: { name: call.name, arguments: call.arguments } };
}

/** A result is named after its function, which the call before it tells. */
function functionName(messages: readonly ChatMessage[], message: ChatMessage, index: number): string {
  const calls = messages.slice(0, index).flatMap(({ toolCalls = [] }) => toolCalls);
  const name = message.name ?? calls.findLast(({ id }) => id === message.toolCallId)?.name;
  if (name === undefined) throw invalidRequestError(`message ${index} is the result of a tool call that is not there`);
  return name;
}

function toFunction(tool: unknown, index: number): Record<string, unknown> {
  const called = readObject(tool, "function");
  if (!called || !readText(called, "name"))
    throw invalidRequestError(`tool ${index} must be { type: "function", function: { name, ... } }`);
  return called;
}

function toFunctionCall(choice: unknown): Record<string, unknown> {
  if (choice === "auto" || choice === "none") return { type: choice };
  const name = readText(readObject(choice, "function"), "name");
  if (name === undefined)
    throw invalidRequestError('toolChoice must be "auto", "none" or one function for chatcompletion_pro');
  return { type: "specific", name };
}

function checkPro(
  body: Readonly<Record<string, unknown>> & { readonly bot_setting: readonly Record<string, unknown>[] },
  constraints: Record<string, unknown> | undefined,
): void {
  const name = constraints?.sender_name;
  if (name !== undefined && !body.bot_setting.some((bot) => bot.bot_name === name))
    throw invalidRequestError("the sender_name of reply_constraints must be one of bot_setting's bot_names");
  if (constraints?.glyph === undefined) return;
  if (body.stream === true) throw invalidRequestError("reply_constraints.glyph cannot be combined with a stream");
  if (body.functions !== undefined)
    throw invalidRequestError("reply_constraints.glyph cannot be combined with functions or tools");
}
