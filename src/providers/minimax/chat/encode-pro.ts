import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { isObject, readObject, readText } from "#src/providers/json-value.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { omitCommonFields } from "#src/providers/omit-common-fields.ts";
import { CONVERSATION_TEMPLATES } from "#src/providers/prompt-templates/conversation-templates.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { NATIVE_OUTPUT_TOKENS } from "./encode-text.ts";
import { checkMessages, readPlainText, readSystemText, rejectParameters } from "./read-messages.ts";

const USER_NAME = "User";
const BOT_NAME = "Assistant";

/**
 * The body of `chatcompletion_pro`. The system text is the bot's setting, which is mandatory: without system text it is the
 * provider's default system message. Tools are functions, and messages contain their sender's name.
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
    temperature,
    top_p: topP,
    functions: functions.length > 0 ? functions : undefined,
    function_call: toolChoice === undefined ? undefined : toFunctionCall(toolChoice),
    ...omitCommonFields(MINIMAX_NAME, extra),
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
    throw invalidRequestError(MINIMAX_NAME, "bot_setting must be a list of bots, each with a bot_name and a content");
  if (system !== undefined)
    throw invalidRequestError(
      MINIMAX_NAME,
      "a system message and a bot_setting exclude each other: put the text into one of them",
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
      MINIMAX_NAME,
      `message ${index} calls ${toolCalls.length} tools: chatcompletion_pro supports one per message`,
    );
  return call && { function_call: { name: call.name, arguments: call.arguments } };
}

/** A result has the name of its function, which is taken from the call before it. */
function functionName(messages: readonly ChatMessage[], message: ChatMessage, index: number): string {
  const calls = messages.slice(0, index).flatMap(({ toolCalls = [] }) => toolCalls);
  const name = message.name ?? calls.findLast(({ id }) => id === message.toolCallId)?.name;
  if (name === undefined)
    throw invalidRequestError(MINIMAX_NAME, `message ${index} is the result of a tool call that is missing`);
  return name;
}

function toFunction(tool: unknown, index: number): Record<string, unknown> {
  const called = readObject(tool, "function");
  if (!called || !readText(called, "name"))
    throw invalidRequestError(MINIMAX_NAME, `tool ${index} must be { type: "function", function: { name, ... } }`);
  return called;
}

function toFunctionCall(choice: unknown): Record<string, unknown> {
  if (choice === "auto" || choice === "none") return { type: choice };
  const name = readText(readObject(choice, "function"), "name");
  if (name === undefined)
    throw invalidRequestError(
      MINIMAX_NAME,
      'tool_choice must be "auto", "none" or one function for chatcompletion_pro',
    );
  return { type: "specific", name };
}

function checkPro(
  body: Readonly<Record<string, unknown>> & { readonly bot_setting: readonly Record<string, unknown>[] },
  constraints: Record<string, unknown> | undefined,
): void {
  const name = constraints?.sender_name;
  if (name !== undefined && !body.bot_setting.some((bot) => bot.bot_name === name))
    throw invalidRequestError(
      MINIMAX_NAME,
      "the sender_name of reply_constraints must be one of bot_setting's bot_names",
    );
  if (constraints?.glyph === undefined) return;
  if (body.stream === true)
    throw invalidRequestError(MINIMAX_NAME, "reply_constraints.glyph cannot be combined with a stream");
  if (body.functions !== undefined)
    throw invalidRequestError(MINIMAX_NAME, "reply_constraints.glyph cannot be combined with functions or tools");
}
